"""Raw frames to letterboxed float32 tensors with OpenCV and NumPy.

Twice: as people usually write it (the last three lines are those of Ultralytics' example for ONNX
Runtime, which divides in float64), and with the same libraries used carefully.

Takes turns by command as native/bench/serve.cc does:
  list, tensor <index> <file>, turn <index> <ms>
Usage: opencv_preprocess.py <folder with one packed 1920x1080 frame for each format>
"""

import functools
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, PAD = 1920, 1080, 114
CONVERSIONS = {
    "nv12": cv2.COLOR_YUV2RGB_NV12,
    "i420": cv2.COLOR_YUV2RGB_I420,
    "yuyv": cv2.COLOR_YUV2RGB_YUYV,
}


def letterbox(frame, conversion, side):
    image = cv2.cvtColor(frame, conversion)
    ratio = min(side / WIDTH, side / HEIGHT)
    width, height = round(WIDTH * ratio), round(HEIGHT * ratio)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    top, left = (side - height) // 2, (side - width) // 2
    return cv2.copyMakeBorder(
        image,
        top,
        side - height - top,
        left,
        side - width - left,
        cv2.BORDER_CONSTANT,
        value=(PAD, PAD, PAD),
    )


def usual(frame, conversion, side):
    image = letterbox(frame, conversion, side)
    tensor = np.array(image) / 255.0
    tensor = np.transpose(tensor, (2, 0, 1))
    tensor = np.expand_dims(tensor, axis=0).astype(np.float32)
    # What ONNX Runtime does with an array whose values do not lie in order.
    return np.ascontiguousarray(tensor)


def careful(frame, conversion, side):
    return cv2.dnn.blobFromImage(letterbox(frame, conversion, side), 1 / 255.0)


WAYS = {"OpenCV Python": usual, "OpenCV Python, careful": careful}


def take_turn(run, turn_ms):
    """Milliseconds of processor time of each call, at least three."""
    times = []
    begin = now = time.thread_time_ns()
    while now - begin < turn_ms * 1e6 or len(times) < 3:
        run()
        after = time.thread_time_ns()
        times.append((after - now) / 1e6)
        now = after
    return times


def main():
    cv2.setNumThreads(1)
    contenders = []
    for name, conversion in CONVERSIONS.items():
        data = np.fromfile(Path(sys.argv[1]) / name, dtype=np.uint8)
        shape = (HEIGHT, WIDTH, 2) if name == "yuyv" else (HEIGHT * 3 // 2, WIDTH)
        frame = data.reshape(shape)
        for side in (640, 512, 224):
            for way, run in WAYS.items():
                call = functools.partial(run, frame, conversion, side)
                contenders.append((f"{name} {side}", way, call))
    for line in sys.stdin:
        command, *words = line.split()
        if command == "list":
            answer = {
                "version": f"OpenCV {cv2.__version__}, NumPy {np.__version__}, "
                f"Python {sys.version.split()[0]}",
                "contenders": [{"work": work, "name": way} for work, way, _ in contenders],
            }
        else:
            run = contenders[int(words[0])][2]
            if command == "tensor":
                run().tofile(words[1])
                answer = {}
            else:
                answer = take_turn(run, float(words[1]))
        print(json.dumps(answer), flush=True)


main()
