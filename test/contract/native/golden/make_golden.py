"""Writes golden.json: what OpenCV and Pillow make of small pictures.

Run with Debian's python3-opencv and python3-pil: /usr/bin/python3 make_golden.py
"""
import base64
import json
import pathlib

import cv2
import numpy as np
import PIL
from PIL import Image

random = np.random.RandomState(20261121)


def base(array):
    return base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode()


def picture(width, height, kind):
    if kind == "noise":
        return random.randint(0, 256, (height, width, 3)).astype(np.uint8)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    edges = ((x // 5 + y // 4) % 2) * 255
    return np.stack([x * 255 / width, y * 255 / height, edges], axis=-1).astype(np.uint8)


OPENCV = {"bilinear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}
PILLOW = {"bilinear-antialias": Image.BILINEAR, "bicubic-antialias": Image.BICUBIC}
TARGETS = [(13, 7), (37, 29), (12, 9), (8, 6), (10, 30), (48, 5), (24, 18), (1, 1), (23, 17)]

resizes = []
for kind in ["noise", "edges"]:
    source = picture(24, 18, kind)
    entry = {"kind": kind, "width": 24, "height": 18, "data": base(source), "results": []}
    for width, height in TARGETS:
        for name, flag in OPENCV.items():
            out = cv2.resize(source, (width, height), interpolation=flag)
            entry["results"].append({"by": "opencv", "interpolation": name, "width": width, "height": height, "data": base(out)})
        for name, flag in PILLOW.items():
            out = np.asarray(Image.fromarray(source).resize((width, height), flag))
            entry["results"].append({"by": "pillow", "interpolation": name, "width": width, "height": height, "data": base(out)})
    resizes.append(entry)

conversions = []
width, height = 16, 12
for name, size, code in [
    ("nv12", (height * 3 // 2, width), cv2.COLOR_YUV2RGB_NV12),
    ("i420", (height * 3 // 2, width), cv2.COLOR_YUV2RGB_I420),
    ("yuyv", (height, width, 2), cv2.COLOR_YUV2RGB_YUY2),
]:
    raw = random.randint(0, 256, size).astype(np.uint8)
    # OpenCV takes luma below black for black, the standard's formula goes on below.
    luma = raw[:height] if name != "yuyv" else raw[..., 0]
    np.maximum(luma, 16, out=luma)
    conversions.append({"format": name, "width": width, "height": height, "data": base(raw), "rgb": base(cv2.cvtColor(raw, code))})

colour = picture(16, 12, "noise")
gray = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)

# After the others, so that those keep their noise.
for name, size, code in [
    ("nv21", (height * 3 // 2, width), cv2.COLOR_YUV2RGB_NV21),
    ("uyvy", (height, width, 2), cv2.COLOR_YUV2RGB_UYVY),
    ("rgba", (height, width, 4), cv2.COLOR_RGBA2RGB),
    ("bgra", (height, width, 4), cv2.COLOR_BGRA2RGB),
]:
    raw = random.randint(0, 256, size).astype(np.uint8)
    if name == "nv21":
        np.maximum(raw[:height], 16, out=raw[:height])
    if name == "uyvy":
        np.maximum(raw[..., 1], 16, out=raw[..., 1])
    conversions.append({"format": name, "width": width, "height": height, "data": base(raw), "rgb": base(cv2.cvtColor(raw, code))})

# OpenCV names a mosaic by its second row's second and third pixel, the sensor's makers by the first
# row's first and second: OpenCV's BG is their RG.
mosaics = []
for width, height in [(16, 12), (37, 9), (3, 3), (70, 5)]:
    for name, code in [
        ("bayerrg8", cv2.COLOR_BayerBG2RGB),
        ("bayergb8", cv2.COLOR_BayerGR2RGB),
        ("bayergr8", cv2.COLOR_BayerGB2RGB),
        ("bayerbg8", cv2.COLOR_BayerRG2RGB),
    ]:
        raw = random.randint(0, 256, (height, width)).astype(np.uint8)
        mosaics.append({"format": name, "width": width, "height": height, "data": base(raw), "rgb": base(cv2.cvtColor(raw, code))})

text = json.dumps({
    "opencv": cv2.__version__,
    "pillow": PIL.__version__,
    "resizes": resizes,
    "conversions": conversions,
    "mosaics": mosaics,
    "gray": {"width": 16, "height": 12, "data": base(colour), "gray": base(gray)},
}, indent=1)
pathlib.Path(__file__).with_name("golden.json").write_text(text + "\n")
