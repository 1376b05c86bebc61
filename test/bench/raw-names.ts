export const FORMATS = ['nv12', 'i420', 'yuyv'] as const;
/** 1920 → 640 is a whole ratio, where `bilinear` weighs nothing; 512 and 224 are none. */
export const SIDES = [640, 512, 224] as const;

/** The fused pass called from Node, with the kernels that this processor chooses and kept bars. */
export const FROM_NODE = 'addon from Node';
/** The same without Node. */
export const KEPT = 'bars kept';
export const OPENCV_CPP = 'OpenCV C++';
export const OPENCV_PYTHON = 'OpenCV Python';
export const OPENCV_PYTHON_CAREFUL = 'OpenCV Python, careful';
export const PEERS: readonly string[] = [OPENCV_CPP, OPENCV_PYTHON, OPENCV_PYTHON_CAREFUL];
