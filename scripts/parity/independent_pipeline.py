"""The sample models as their authors would run them in Python: OpenCV, numpy and ONNX Runtime.

Nothing of Vedette is in it: what it answers is what Vedette's answers are compared with.

python3 independent_pipeline.py <family> <model.onnx> <labels.txt or -> <libonnxruntime.so or -> <picture>...

Prints one JSON object a line: {"picture", "width", "height"} and "detections", "anomaly" or "poses" as
results have them. The library is used, through its C interface, where the onnxruntime module is missing.
"""

import json
import sys

import cv2
import numpy as np


def open_session(model_file, library):
    try:
        import onnxruntime

        session = onnxruntime.InferenceSession(model_file, providers=["CPUExecutionProvider"])
        return lambda names, feeds: session.run(names, feeds)
    except ModuleNotFoundError:
        from onnx_runtime_c import CSession

        return CSession(library, model_file).run


def planes(picture_bgr):
    """[1, 3, H, W], float32, RGB."""
    rgb = cv2.cvtColor(picture_bgr, cv2.COLOR_BGR2RGB).astype(np.float32)
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[np.newaxis])


def detect(run, picture, labels):
    """CenterNet: stretched to 512, 0-255; rows of x1, y1, x2, y2, score, class."""
    height, width = picture.shape[:2]
    scaled = cv2.resize(picture, (512, 512), interpolation=cv2.INTER_LINEAR)
    (rows,) = run(["detections"], {"images": planes(scaled)})
    scale = np.array([width, height, width, height]) / 512
    limits = np.array([width, height, width, height])
    detections = []
    for row in rows[0]:
        if row[4] < 0.3:
            continue
        x1, y1, x2, y2 = (float(value) for value in np.clip(row[:4] * scale, 0, limits))
        detections.append(
            {
                "label": labels[int(row[5])],
                "score": float(row[4]),
                "box": {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1},
            }
        )
    return {"detections": detections}


def find_anomaly(run, picture, labels):
    """Patch memory: stretched to 256, 0-1; the score as it comes."""
    scaled = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_LINEAR)
    (score,) = run(["pred_score"], {"input": planes(scaled) / np.float32(255)})
    value = float(score.reshape(-1)[0])
    return {"anomaly": {"score": value, "isAnomalous": value >= 0.5}}


def find_pose(run, picture, labels):
    """MoveNet: the whole picture in a square of 192 with black bars, 0-255; y, x, score of 17 points."""
    height, width = picture.shape[:2]
    scale = 192 / max(height, width)
    inner = (round(width * scale), round(height * scale))
    left, top = (192 - inner[0]) // 2, (192 - inner[1]) // 2
    square = np.zeros((192, 192, 3), np.uint8)
    resized = cv2.resize(picture, inner, interpolation=cv2.INTER_LINEAR)
    square[top : top + inner[1], left : left + inner[0]] = resized
    (points,) = run(["output_0"], {"images": planes(square)})
    keypoints = [
        {
            "name": name,
            "x": float((x * 192 - left) / inner[0] * width),
            "y": float((y * 192 - top) / inner[1] * height),
            "score": float(score),
        }
        for name, (y, x, score) in zip(labels, points.reshape(17, 3))
    ]
    return {"poses": [{"keypoints": keypoints}]}


FAMILIES = {"detections": detect, "anomaly": find_anomaly, "poses": find_pose}


def main():
    family, model_file, labels_file, library, *pictures = sys.argv[1:]
    labels = [] if labels_file == "-" else open(labels_file, encoding="utf8").read().split("\n")
    run = open_session(model_file, library)
    for path in pictures:
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        height, width = picture.shape[:2]
        found = FAMILIES[family](run, picture, labels)
        print(json.dumps({"picture": path, "width": width, "height": height, **found}))


main()
