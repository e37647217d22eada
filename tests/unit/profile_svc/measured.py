"""What `described/1` measured in home photos of garments (clothing-dataset, CC0): numbers, not inventions."""

from __future__ import annotations

from profile_svc.taste.evidence import SeenColor, SeenGarment, StyleScores

Lab = tuple[float, float, float]


def _garment(
    bucket: str, category: str, colors: list[tuple[str, Lab, float]], pattern: str, pattern_score: float,
    style: StyleScores, confidence: dict[str, float],
) -> SeenGarment:  # fmt: skip
    seen = tuple(SeenColor(name, "", lab, share) for name, lab, share in colors)
    return SeenGarment("g0", bucket, category, 1.0, seen, pattern, pattern_score, style=style, confidence=confidence)


GARMENTS = {
    "dark blazer": _garment(
        "outerwear",
        "blazer",
        [
            ("dark grey", (37.0, 0.0, 0.0), 0.795),
            ("charcoal", (22.6, 0.0, 0.0), 0.205),
        ],
        "plain",
        0.294,
        StyleScores(84.8, 93.3, 81.7),
        {"colors": 0.874, "pattern": 0.761, "style": 0.6},
    ),
    "white shirt": _garment(
        "top",
        "shirt",
        [
            ("light grey", (63.2, -0.4, 2.2), 1.0),
        ],
        "plain",
        0.1,
        StyleScores(56.4, 60.3, 95.3),
        {"colors": 0.913, "pattern": 1.0, "style": 0.6},
    ),
    "black trousers": _garment(
        "bottom",
        "pants",
        [
            ("black", (11.8, -0.3, -4.0), 0.952),
            ("charcoal", (29.2, -0.8, 1.0), 0.048),
        ],
        "plain",
        0.164,
        StyleScores(58.0, 54.0, 88.9),
        {"colors": 0.87, "pattern": 0.976, "style": 0.6},
    ),
    "dark shoes": _garment(
        "shoes",
        "shoes",
        [
            ("charcoal", (19.9, 0.7, 0.3), 0.759),
            ("chocolate", (24.0, 16.2, 21.5), 0.241),
        ],
        "plain",
        0.333,
        StyleScores(49.7, 64.5, 74.5),
        {"colors": 0.839, "pattern": 0.695, "style": 0.6},
    ),
    "neon hoodie": _garment(
        "top",
        "hoodie",
        [
            ("scarlet", (51.8, 52.6, 37.2), 0.593),
            ("rust", (38.2, 44.9, 33.0), 0.324),
            ("taupe", (59.3, 5.9, 15.2), 0.083),
        ],
        "patterned",
        0.984,
        StyleScores(0.0, 15.9, 19.2),
        {"colors": 0.823, "pattern": 1.0, "style": 0.6},
    ),
    "pink hoodie": _garment(
        "top",
        "hoodie",
        [
            ("neon pink", (56.0, 54.2, -28.9), 0.78),
            ("magenta", (37.8, 39.3, -12.9), 0.153),
            ("mauve", (51.2, 13.1, 0.7), 0.068),
        ],
        "patterned",
        0.866,
        StyleScores(0.0, 12.3, 21.4),
        {"colors": 0.795, "pattern": 1.0, "style": 0.6},
    ),
    "red shorts": _garment(
        "bottom",
        "shorts",
        [
            ("crimson", (43.3, 49.2, 22.6), 0.896),
            ("burgundy", (33.0, 28.3, 10.5), 0.061),
            ("dusty pink", (76.4, 14.8, 3.8), 0.043),
        ],
        "patterned",
        0.523,
        StyleScores(0.0, 39.2, 44.3),
        {"colors": 0.825, "pattern": 0.621, "style": 0.6},
    ),
    "yellow shorts": _garment(
        "bottom",
        "shorts",
        [
            ("yellow", (77.2, -7.3, 50.9), 0.628),
            ("olive", (47.9, -4.1, 16.3), 0.156),
            ("navy", (28.0, 4.5, -18.1), 0.128),
            ("sage", (74.1, -12.3, 16.5), 0.088),
        ],
        "patterned",
        1.0,
        StyleScores(0.0, 36.0, 11.1),
        {"colors": 0.715, "pattern": 1.0, "style": 0.6},
    ),
    "grey t-shirt": _garment(
        "top",
        "t-shirt",
        [
            ("dark grey", (42.8, 0.4, -1.0), 1.0),
        ],
        "plain",
        0.197,
        StyleScores(20.7, 26.4, 95.7),
        {"colors": 0.909, "pattern": 0.921, "style": 0.6},
    ),
    "grey shorts": _garment(
        "bottom",
        "shorts",
        [
            ("slate", (50.1, -0.1, -9.7), 1.0),
        ],
        "plain",
        0.257,
        StyleScores(13.2, 43.4, 88.9),
        {"colors": 0.888, "pattern": 0.821, "style": 0.6},
    ),
    "lime floral dress": _garment(
        "dress",
        "dress",
        [
            ("lime", (71.3, -30.6, 71.4), 0.372),
            ("green", (55.3, -26.2, 57.1), 0.295),
            ("forest green", (35.8, -30.5, 39.6), 0.218),
            ("forest green", (16.2, -19.8, 20.1), 0.115),
        ],
        "patterned",
        0.985,
        StyleScores(25.2, 39.7, 5.1),
        {"colors": 0.812, "pattern": 1.0, "style": 0.6},
    ),
    "white floral dress": _garment(
        "dress",
        "dress",
        [
            ("silver", (79.3, -0.3, -0.7), 0.714),
            ("grey", (57.4, -0.5, -7.5), 0.171),
            ("slate", (41.6, 1.0, -15.9), 0.115),
        ],
        "patterned",
        0.855,
        StyleScores(44.9, 41.3, 34.7),
        {"colors": 0.83, "pattern": 1.0, "style": 0.6},
    ),
    "navy dress": _garment(
        "dress",
        "dress",
        [
            ("navy", (20.3, 3.5, -11.3), 1.0),
        ],
        "plain",
        0.229,
        StyleScores(69.3, 49.9, 90.2),
        {"colors": 0.902, "pattern": 0.868, "style": 0.6},
    ),
}
