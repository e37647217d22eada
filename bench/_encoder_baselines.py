"""What an encoder must beat: HOG with logistic regression, and a colour histogram."""

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from vision_svc.garments.thumbnail import GarmentView

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.str_]

_SIDE_PX = 96


def hog(view: GarmentView) -> Matrix:
    """Histogram of oriented gradients (Dalal and Triggs 2005) of the garment on grey, 96 px: `(4356,)`, length 1."""
    square = np.full((_SIDE_PX, _SIDE_PX, 3), 128, np.uint8)
    picture = np.where(view.mask[..., None], view.image_bgr, 128).astype(np.uint8)
    height, width = view.mask.shape
    scale = _SIDE_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    top, left = (_SIDE_PX - size[1]) // 2, (_SIDE_PX - size[0]) // 2
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    square[top : top + size[1], left : left + size[0]] = small
    gray = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return _hog_of(gray)


def color_histogram(view: GarmentView) -> Matrix:
    """Square roots of an 8 x 8 x 8 histogram of hue, saturation and value: `(512,)`, length 1."""
    hsv = cv2.cvtColor(view.image_bgr, cv2.COLOR_BGR2HSV)[view.mask]
    index = hsv[:, 0] // 23 * 64 + hsv[:, 1] // 32 * 8 + hsv[:, 2] // 32
    share = np.bincount(index.astype(int), minlength=512)[:512] / max(len(hsv), 1)
    return np.asarray(np.sqrt(share))


def logistic_regression(train: Matrix, labels: Labels, test: Matrix, penalty: float = 1e-3) -> Labels:
    """Fits multinomial logistic regression (L-BFGS) and names the classes of `test`."""
    classes, truth = np.unique(labels, return_inverse=True)
    mean, spread = train.mean(axis=0), train.std() + 1e-9
    inputs = np.column_stack([(train - mean) / spread, np.ones(len(train))])
    right = np.eye(len(classes))[truth]

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights = flat.reshape(inputs.shape[1], -1)
        scores = inputs @ weights
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        value = -np.log((chances * right).sum(axis=1) + 1e-12).mean() + penalty / 2 * (weights**2).sum()
        return float(value), (inputs.T @ (chances - right) / len(inputs) + penalty * weights).ravel()

    start = np.zeros(inputs.shape[1] * len(classes))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 80}).x
    scores = np.column_stack([(test - mean) / spread, np.ones(len(test))]) @ found.reshape(inputs.shape[1], -1)
    return np.asarray(classes[scores.argmax(axis=1)])


def _hog_of(gray: npt.NDArray[np.float32], cell: int = 8, bins: int = 9) -> Matrix:
    dx, dy = cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=1)
    strength, angle = np.hypot(dx, dy), np.arctan2(dy, dx) % np.pi * bins / np.pi
    cells = gray.shape[0] // cell
    y, x = np.mgrid[0 : gray.shape[0], 0 : gray.shape[1]] // cell
    place = (y * cells + x) * bins
    low = np.floor(angle).astype(int) % bins
    far = angle - np.floor(angle)
    total = np.bincount((place + low).ravel(), (strength * (1 - far)).ravel(), cells * cells * bins)
    total += np.bincount((place + (low + 1) % bins).ravel(), (strength * far).ravel(), cells * cells * bins)
    grid = total.reshape(cells, cells, bins)
    blocks = np.concatenate([grid[:-1, :-1], grid[1:, :-1], grid[:-1, 1:], grid[1:, 1:]], axis=2)
    blocks = np.minimum(blocks / (np.linalg.norm(blocks, axis=2, keepdims=True) + 1e-3), 0.2)
    flat = (blocks / (np.linalg.norm(blocks, axis=2, keepdims=True) + 1e-9)).ravel()
    return np.asarray(flat / (np.linalg.norm(flat) + 1e-9), np.float64)
