"""The service that someone writes on an afternoon from the pages of FastAPI, OpenCV and ONNX Runtime.

The benchmark's peer; nothing of Vedette is in it.

python3 plain_python_service.py <model.onnx> <labels.txt> [threads of ONNX Runtime]
"""

import json
import socket
import sys

import cv2
import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

SIDE = 512
MIN_SCORE = 0.3

model_file, labels_file, *threads = sys.argv[1:]
labels = open(labels_file, encoding="utf8").read().strip().split("\n")
options = ort.SessionOptions()
if threads:
    options.intra_op_num_threads = int(threads[0])
session = ort.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])
app = FastAPI()


def infer(body: bytes) -> dict:
    picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    scaled = cv2.cvtColor(cv2.resize(picture, (SIDE, SIDE)), cv2.COLOR_BGR2RGB)
    images = scaled.astype(np.float32).transpose(2, 0, 1)[np.newaxis]
    (rows,) = session.run(["detections"], {"images": np.ascontiguousarray(images)})
    scale_x, scale_y = width / SIDE, height / SIDE
    return {
        "detections": [
            {
                "label": labels[int(label_index)],
                "score": float(score),
                "box": {
                    "x": float(x1 * scale_x),
                    "y": float(y1 * scale_y),
                    "width": float((x2 - x1) * scale_x),
                    "height": float((y2 - y1) * scale_y),
                },
            }
            for x1, y1, x2, y2, score, label_index in rows[0]
            if score >= MIN_SCORE
        ]
    }


@app.post("/infer")
async def post_infer(request: Request) -> dict:
    return await run_in_threadpool(infer, await request.body())


with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    host, port = listener.getsockname()
    print(json.dumps({"address": f"http://{host}:{port}"}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
