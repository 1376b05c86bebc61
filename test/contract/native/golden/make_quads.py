"""Writes quads.json: what OpenCV's warpPerspective makes of quads of a small picture.

Run with Debian's python3-opencv: /usr/bin/python3 make_quads.py
"""
import base64
import json
import pathlib

import cv2
import numpy as np

random = np.random.RandomState(20261125)


def base(array):
    return base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode()


# OpenCV takes places to a 32nd of a pixel: on a picture without edges that is less than a level.
width, height = 64, 48
noise = random.randint(0, 256, (height, width, 3)).astype(np.float32)
picture = cv2.GaussianBlur(noise, (0, 0), 6, borderType=cv2.BORDER_REPLICATE)
picture = cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)

QUADS = [
    [[10, 8], [50, 8], [50, 30], [10, 30]],
    [[12.5, 6.25], [55, 14], [48, 40], [8, 33]],
    [[40, 5], [60, 20], [35, 44], [15, 25]],
    [[50, 40], [12, 36], [16, 10], [54, 14]],
    [[-8, -6], [30, 2], [28, 26], [-6, 20]],
    [[45, 30], [72, 28], [75, 55], [40, 50]],
]

crops = []
for quad in QUADS:
    for w, h in [(40, 22), (17, 31)]:
        # Corners are places between pixels here, OpenCV's are centres of pixels.
        source = np.float32(quad) - 0.5
        target = np.float32([[0, 0], [w, 0], [w, h], [0, h]]) - 0.5
        matrix = cv2.getPerspectiveTransform(target, source)
        out = cv2.warpPerspective(picture, matrix, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
        crops.append({"quad": quad, "width": w, "height": h, "data": base(out)})

golden = {"opencv": cv2.__version__, "width": width, "height": height, "data": base(picture), "crops": crops}
pathlib.Path(__file__).with_name("quads.json").write_text(json.dumps(golden, indent=1) + "\n")
