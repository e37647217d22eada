"""Photos with hand-made label masks, made ready once for training: cut around the person, pose and mask computed."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from imaging.faces import FaceDetector
from imaging.geometry import Roi
from vision_svc.garments.parse_input import HEIGHT_PX, WIDTH_PX, cut, frame_of
from vision_svc.people.finder import PersonFinder
from vision_svc.people.types import ImageBgr

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

ROOM = 1.5
"""The cached region is so many times the person's frame, so that crops can be moved and turned."""
CACHE_PX = int(HEIGHT_PX * ROOM), int(WIDTH_PX * ROOM)
VIEWS = 2
"""Each photo is there as it is, and with its faces blurred, as it is in production."""
_HELD_OUT_EVERY = 12
_BLUR_CELLS = 3


@dataclass(frozen=True)
class Photos:
    """All photos of a folder, cut around their person.

    Attributes:
        names: Names of the files.
        bgr: uint8 `(N, VIEWS, h, w, 3)`.
        labels: uint8 `(N, h, w)`: label numbers of the data set.
        masks: uint8 `(N, VIEWS, h, w)`: 255 where the person is.
        joints: float32 `(N, VIEWS, 33, 3)`: x and y in pixels of the cut, visibility.
    """

    names: tuple[str, ...]
    bgr: Bytes
    labels: Bytes
    masks: Bytes
    joints: Floats

    @property
    def held_out(self) -> npt.NDArray[np.bool_]:
        """Which photos are never trained on, bool `(N,)`: one in twelve, by a hash of its name."""
        return np.array([zlib.crc32(Path(name).stem.encode()) % _HELD_OUT_EVERY == 0 for name in self.names])


def load(folder: Path, models_dir: Path, cache_dir: Path) -> Photos:
    """Reads the photos of a folder, from the cache where it is there.

    Args:
        folder: Photos `NAME.jpg` with masks `NAME_mask.png`.
        models_dir: The people models.
        cache_dir: Where what was computed is kept (about 0.9 MB a photo).
    """
    if not (cache_dir / "names.txt").exists():
        _fill(folder, models_dir, cache_dir)
    arrays = (np.load(cache_dir / f"{name}.npy", mmap_mode="r") for name in ("bgr", "labels", "masks", "joints"))
    return Photos(tuple((cache_dir / "names.txt").read_text().split()), *arrays)


def _fill(folder: Path, models_dir: Path, cache_dir: Path) -> None:
    cache_dir.mkdir(parents=True, exist_ok=True)
    finder, faces = PersonFinder.load(models_dir), FaceDetector.load(models_dir)
    rows = list(_rows(folder, finder, faces))
    for index, name in enumerate(("bgr", "labels", "masks", "joints")):
        np.save(cache_dir / f"{name}.npy", np.stack([row[index + 1] for row in rows]))
    (cache_dir / "names.txt").write_text("\n".join(row[0] for row in rows))


def _rows(folder: Path, finder: PersonFinder, faces: FaceDetector) -> Iterator[tuple[str, Bytes, Bytes, Bytes, Floats]]:
    for path in sorted(folder.glob("*.jpg")):
        image = cv2.imread(str(path))
        labels = cv2.imread(str(path.with_name(f"{path.stem}_mask.png")), cv2.IMREAD_GRAYSCALE)
        if image is None or labels is None or labels.shape != image.shape[:2]:
            continue
        row = _row(np.asarray(image, np.uint8), np.asarray(labels, np.uint8), finder, faces)
        if row is not None:
            yield path.name, *row


def _row(
    image: ImageBgr, labels: Bytes, finder: PersonFinder, faces: FaceDetector
) -> tuple[Bytes, Bytes, Bytes, Floats] | None:
    """Cuts one photo in both views; None where nobody is found."""
    boxes = [face.box_xyxy for face in faces.detect(image)]
    views = image, blur(image, boxes)
    hints = [tuple(float(value) for value in box) for box in boxes]
    people = [finder.find(views[0]), finder.find(views[1], 1, hints)]  # type: ignore[arg-type]
    if not people[0]:
        return None
    frame = frame_of(people[0][0])
    roi = Roi(frame.center_x, frame.center_y, frame.width_px * ROOM, frame.height_px * ROOM)
    masks, joints = [], []
    for found in people:
        person = (found or people[0])[0]
        masks.append(np.rint(255 * cut(person.mask_score, roi, CACHE_PX)).astype(np.uint8))
        xy = roi.from_image(person.joints_xyz[:, :2]) * np.array(CACHE_PX[::-1], np.float32)
        joints.append(np.concatenate([xy, person.visibility[:, None]], axis=1))
    bgr = np.stack([np.rint(cut(view, roi, CACHE_PX)).astype(np.uint8) for view in views])
    matrix = roi.matrix(CACHE_PX[1], CACHE_PX[0])
    cut_labels = cv2.warpAffine(labels, matrix, CACHE_PX[::-1], flags=cv2.INTER_NEAREST)
    return bgr, np.asarray(cut_labels, np.uint8), np.stack(masks), np.stack(joints).astype(np.float32)


def blur(image: ImageBgr, boxes: list[npt.NDArray[np.float32]]) -> ImageBgr:
    """Hides faces behind ovals of a few averages, as pictures arrive in production."""
    hidden = image.copy()
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in boxes:
        side_x, side_y = 0.65 * (x1 - x0), 0.7 * (y1 - y0)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2 - 0.1 * (y1 - y0)
        left, right = max(0, int(x - side_x)), min(width, int(x + side_x) + 1)
        top, bottom = max(0, int(y - side_y)), min(height, int(y + side_y) + 1)
        if left >= right or top >= bottom:
            continue
        small = cv2.resize(image[top:bottom, left:right], (_BLUR_CELLS, _BLUR_CELLS), interpolation=cv2.INTER_AREA)
        smooth = cv2.resize(small, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        rows, columns = np.mgrid[top:bottom, left:right]
        inside = ((columns - x) / side_x) ** 4 + ((rows - y) / side_y) ** 4 <= 1
        hidden[top:bottom, left:right][inside] = smooth[inside]
    return hidden
