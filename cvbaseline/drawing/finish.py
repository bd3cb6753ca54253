"""What happens to a drawing on its way to the screen: printing, light, lenses, compression."""

import cv2
import numpy as np

from cvbaseline.drawing.sketch import Sketch, ellipse


def screen_tone(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A page of black ink and dots: greys become a raster, as in printed manga."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    height, width = grey.shape
    pitch = max(2.2, rng.uniform(0.012, 0.03) * min(height, width))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    raster = np.cos((x + y) * (np.pi / pitch)) * np.cos((x - y) * (np.pi / pitch))
    dots = 128 + 127 * np.clip(raster * 2 + (grey - 140) / 45, -1, 1)
    tone = np.where(grey > 205, 255, np.where(grey < 70, grey * 0.4, 0.55 * dots + 0.45 * grey))
    return cv2.cvtColor(np.clip(tone, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def regraded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other exposure, contrast, saturation and colour of the light."""
    values = image.astype(np.float32) / 255
    values = values ** np.float32(np.exp(rng.normal(0, 0.12)))
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * np.float32(np.clip(rng.normal(1, 0.15), 0.3, 1.35))
    values = (values - 0.5) * np.float32(np.clip(rng.normal(1, 0.1), 0.7, 1.25)) + 0.5
    values = values * rng.normal(1, 0.025, 3).astype(np.float32) + np.float32(rng.normal(0, 0.03))
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def overlaid(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Evening, night or a shaft of light over the whole picture."""
    height, width = image.shape[:2]
    kind = rng.integers(3)
    if kind == 0:
        tint = np.array([(255, 190, 120), (120, 130, 210), (255, 160, 180), (150, 220, 210)])[
            rng.integers(4)
        ]
        factor = 1 - rng.uniform(0.15, 0.5) * (1 - tint / 255)
        return np.rint(image * factor).astype(np.uint8)
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    run = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    if kind == 1:
        factor = 1 + rng.uniform(0.2, 0.7) * run
    else:  # one side lies in shadow
        factor = np.where(run > rng.uniform(-0.1, 0.4), rng.uniform(0.55, 0.85), 1.0)
    return np.rint(np.clip(image * factor[..., None], 0, 255)).astype(np.uint8)


def petals(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Petals, snow or sparks in the air."""
    height, width = image.shape[:2]
    sketch = Sketch(width, height)
    sketch.rgb[:] = image
    colour = ((255, 214, 226), (255, 255, 255), (255, 240, 170))[rng.integers(3)]
    for _ in range(int(rng.integers(4, 26))):
        x, y = rng.uniform(0, 1, 2) * (width, height)
        size = rng.uniform(0.003, 0.012) * width + 0.6
        sketch.paint(sketch.mask(ellipse(x, y, size, size * 0.7, samples=9)), colour, 0.85)
    return sketch.rgb


def recompressed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG at a middling to poor quality, and back."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 93))])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def finished(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture as it reaches a collector, uint8 (h, w, 3) RGB; each effect by chance."""
    chance = rng.random(8)
    if chance[0] < 0.8:
        image = regraded(image, rng)
    if chance[1] < 0.14:
        image = overlaid(image, rng)
    if chance[2] < 0.06:
        image = petals(image, rng)
    if chance[3] < 0.06:
        image = screen_tone(image, rng)
    elif chance[3] < 0.09:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if chance[4] < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9))
    if chance[5] < 0.1:
        part = rng.uniform(0.5, 0.85)
        height, width = image.shape[:2]
        small = cv2.resize(image, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if chance[6] < 0.25:
        noise = rng.normal(0, rng.uniform(1, 7), image.shape[:2])[..., None]
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if chance[7] < 0.5:
        image = recompressed(image, rng)
    return image
