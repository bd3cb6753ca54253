"""Slow, obvious twins of what the package does fast: each test is naive == fast."""

import math

# ---- boxes, detections --------------------------------------------------------------------------


def common_pixels(a, b):
    """How many pixels two boxes have in common, counted on each axis."""
    columns = set(range(a[0], a[0] + a[2])) & set(range(b[0], b[0] + b[2]))
    rows = set(range(a[1], a[1] + a[3])) & set(range(b[1], b[1] + b[3]))
    return len(columns) * len(rows)


def box_iou(a, b):
    """Intersection over union of two boxes."""
    common = common_pixels(a, b)
    union = a[2] * a[3] + b[2] * b[3] - common
    return common / union if union else 0.0


def share_inside(a, b):
    """The share of box a that lies in box b."""
    return common_pixels(a, b) / max(a[2] * a[3], 1)


def matched_truth(boxes, scores, truth, ignore, min_iou):
    """Per detection: the index of the truth it takes, "false" or "ignored"."""
    answers = [None] * len(boxes)
    free = list(range(len(truth)))
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        ranked = sorted(free, key=lambda t: -box_iou(boxes[i], truth[t]))
        if ranked and box_iou(boxes[i], truth[ranked[0]]) >= min_iou:
            answers[i] = ranked[0]
            free.remove(ranked[0])
        elif any(share_inside(boxes[i], region) >= 0.5 for region in ignore):
            answers[i] = "ignored"
        else:
            answers[i] = "false"
    return answers


def average_precision(scored, faces):
    """Mean over the true boxes of the best precision at that recall or a higher one.

    `scored`: (score, correct) of every detection that is not ignored.
    """
    points = []
    for threshold in {score for score, _ in scored}:
        kept = [correct for score, correct in scored if score >= threshold]
        points.append((sum(kept), sum(kept) / len(kept)))
    total = 0.0
    for rank in range(1, faces + 1):
        total += max((precision for found, precision in points if found >= rank), default=0.0)
    return total / max(faces, 1)


# ---- cascades, window by window ------------------------------------------------------------------


def upright_sum(window, rect):
    """Sum of the pixels of an upright rectangle."""
    x, y, width, height = rect
    return sum(int(window[j][i]) for j in range(y, y + height) for i in range(x, x + width))


def triangle_sum(window, x, y):
    """OpenCV's 45-degree integral at (x, y): pixels of the triangle above, with its tip there."""
    total = 0
    for j in range(min(y, len(window))):
        for i in range(len(window[0])):
            if abs(i - x + 1) <= y - j - 1:
                total += int(window[j][i])
    return total


def tilted_sum(window, rect):
    """Sum of the pixels of a rectangle turned by 45 degrees, from four triangles."""
    x, y, width, height = rect
    return (
        triangle_sum(window, x, y)
        - triangle_sum(window, x - height, y + height)
        - triangle_sum(window, x + width, y + width)
        + triangle_sum(window, x + width - height, y + width + height)
    )


def haar_value(window, features, index):
    """A Haar feature over the inner window's area times standard deviation, in exact numbers."""
    total = 0.0
    for rect, weight in zip(features.rects[index].tolist(), features.weights[index].tolist()):
        if weight:
            one = tilted_sum if features.tilted[index] else upright_sum
            total += weight * one(window, rect)
    norm = haar_norm(window)
    return total / norm if norm else 0.0


def haar_norm(window):
    """Area times standard deviation of the window without its outermost pixels."""
    inner = [int(p) for row in window[1:-1] for p in row[1:-1]]
    squares = len(inner) * sum(p * p for p in inner) - sum(inner) ** 2
    return squares**0.5


def lbp_code(window, cell):
    """Multi-block LBP code: one bit a neighbour, clockwise from the top left, 128 first."""
    x, y, width, height = cell
    sums = [
        [upright_sum(window, (x + i * width, y + j * height, width, height)) for i in range(3)]
        for j in range(3)
    ]
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    return sum(128 >> n for n, (j, i) in enumerate(ring) if sums[j][i] >= sums[1][1])


def stage_sum(cascade, stage, window):
    """The sum of the stage's trees for a window."""
    haar = cascade.feature_type == "HAAR"
    trees, total = stage.trees, 0.0
    for tree in range(trees.count):
        root, child = int(trees.first_node[tree]), 0
        while True:
            node = root + child
            feature = int(trees.feature[node])
            if haar:
                left = haar_value(window, cascade.features, feature) < trees.threshold[node]
            else:
                code = lbp_code(window, cascade.features.cells[feature].tolist())
                left = bool(int(trees.subset[node][code // 32]) >> (code % 32) & 1)
            child = int(trees.left[node] if left else trees.right[node])
            if child <= 0:
                break
        total += trees.leaf[root + tree - child]
    return total


def stages_passed(cascade, window, reject_flat=True):
    """Stages that the window passes; -1 when it is too flat for a Haar cascade."""
    if cascade.feature_type == "HAAR" and reject_flat:
        area = (cascade.width - 2) * (cascade.height - 2)
        if haar_norm(window) <= 10 * area:
            return -1
    for number, stage in enumerate(cascade.stages):
        if stage_sum(cascade, stage, window) < stage.threshold - 1e-5:
            return number
    return len(cascade.stages)


# ---- histograms of oriented gradients, least squares ---------------------------------------------


def hog(picture, cell, shared, by_columns):
    """Blocks of 2 x 2 cells, 9 directions, L2-Hys, written from Dalal & Triggs pixel by pixel.

    shared : each pixel is shared among neighbouring directions and cells, and weighs less away
        from the block's centre (as OpenCV does); else it counts fully in its own cell and bin
        (as scikit-image does). by_columns : the order of blocks and cells.
    """
    import math

    side, bins = len(picture), 9
    grey = [[int(value) for value in row] for row in picture]

    def gradient(x, y):
        dx = grey[y][x + 1] - grey[y][x - 1] if 0 < x < side - 1 else 0
        dy = grey[y + 1][x] - grey[y - 1][x] if 0 < y < side - 1 else 0
        return math.hypot(dx, dy), math.atan2(dy, dx) % math.pi * bins / math.pi

    def votes(position):
        """Cells of the block on one axis with their shares."""
        place = (position + 0.5) / cell - 0.5
        if not shared:
            return [(position // cell, 1.0)]
        low = math.floor(place)
        pairs = [(low, low + 1 - place), (low + 1, place - low)]
        return [(index, share) for index, share in pairs if 0 <= index < 2]

    def directions(angle):
        if not shared:
            return [(int(angle) % bins, 1.0)]
        low = math.floor(angle - 0.5)
        return [(low % bins, low + 1.5 - angle), ((low + 1) % bins, angle - 0.5 - low)]

    def block(left, top):
        histogram = {}
        for dy in range(2 * cell):
            for dx in range(2 * cell):
                size, angle = gradient(left + dx, top + dy)
                if shared:
                    size *= math.exp(-((dx - cell) ** 2 + (dy - cell) ** 2) / (2 * (cell / 2) ** 2))
                for cx, share_x in votes(dx):
                    for cy, share_y in votes(dy):
                        for bin_, share in directions(angle):
                            first, second = (cx, cy) if by_columns else (cy, cx)
                            key = (first * 2 + second) * bins + bin_
                            histogram[key] = histogram.get(key, 0) + size * share_x * share_y * share
        values = [histogram.get(key, 0.0) for key in range(4 * bins)]
        before, after = (0.1 * len(values), 1e-3) if shared else (0, 0)
        length = math.sqrt(sum(value**2 for value in values)) + before
        values = [min(value / (length or 1), 0.2) for value in values]
        length = math.sqrt(sum(value**2 for value in values)) + after
        return [value / (length or 1) for value in values]

    steps = range(0, side - 2 * cell + 1, cell)
    places = [(a, b) if by_columns else (b, a) for a in steps for b in steps]
    return [value for left, top in places for value in block(left, top)]


def least_squares_scores(features, labels, weights, C, train, test):
    """Scores of `test` rows by weighted ridge regression on `train` rows, as one lstsq system."""
    import numpy as np

    targets = np.array([[1.0 if k == label else -1.0 for k in range(max(labels) + 1)]
                        for label in labels])  # fmt: skip
    root = np.sqrt(weights[train])[:, None]
    top = features[train] * root
    ridge = np.eye(features.shape[1]) / np.sqrt(C)
    system = np.vstack([top, ridge])
    wanted = np.vstack([targets[train] * root, np.zeros((len(ridge), targets.shape[1]))])
    return features[test] @ np.linalg.lstsq(system, wanted, rcond=None)[0]


def dense_sift(face, cell, stride):
    """RootSIFT descriptors on a grid, pixel by pixel: a list of 128 numbers for each point."""
    height, width = face.shape
    half = 2 * cell

    def grey(y, x):
        return float(face[min(max(y, 0), height - 1), min(max(x, 0), width - 1)])

    result = []
    for top in range(0, height - 4 * cell + 1, stride):
        for left in range(0, width - 4 * cell + 1, stride):
            cells = [[[0.0] * 8 for _ in range(4)] for _ in range(4)]
            for y in range(height):
                for x in range(width):
                    dx = (grey(y, x + 1) - grey(y, x - 1)) / 2
                    dy = (grey(y + 1, x) - grey(y - 1, x)) / 2
                    turn = math.atan2(dy, dx) / (2 * math.pi) * 8 % 8
                    for row in range(4):
                        for column in range(4):
                            cy, cx = top + (row + 0.5) * cell, left + (column + 0.5) * cell
                            weight = max(0.0, 1 - abs(y + 0.5 - cy) / cell)
                            weight *= max(0.0, 1 - abs(x + 0.5 - cx) / cell)
                            away = (cy - top - half) ** 2 + (cx - left - half) ** 2
                            weight *= math.exp(-away / half**2 / 2) * math.hypot(dx, dy)
                            low = int(turn) % 8
                            cells[row][column][low] += weight * (1 - turn % 1)
                            cells[row][column][(low + 1) % 8] += weight * (turn % 1)
            flat = [value for row in cells for place in row for value in place]
            total = sum(flat) + 0.5 * 16 * cell**2
            result.append([math.sqrt(value / total) for value in flat])
    return result


# ---- feature pools, splits, boosting -------------------------------------------------------------


def haar_pool(width, height, mode):
    """(rects with weights, tilted) of all Haar features, in four loops and by the kinds' table."""
    pool = []

    def offer(tilted, x, y, columns, rows, dx, dy, weight, *inner):
        w, h = columns * dx, rows * dy
        if tilted:
            fits = x + w <= width and y + w + h <= height and x - h >= 0
        else:
            fits = x + w <= width and y + h <= height
        if fits:
            pool.append(([(x, y, w, h, -1)] + [(*rect, weight) for rect in inner], tilted))

    for x in range(width):
        for y in range(height):
            for dx in range(1, width + 1):
                for dy in range(1, height + 1):
                    offer(False, x, y, 2, 1, dx, dy, 2, (x + dx, y, dx, dy))
                    offer(False, x, y, 1, 2, dx, dy, 2, (x, y + dy, dx, dy))
                    offer(False, x, y, 3, 1, dx, dy, 2, (x + dx, y, dx, dy))
                    offer(False, x, y, 1, 3, dx, dy, 2, (x, y + dy, dx, dy))
                    if mode != "BASIC":
                        offer(False, x, y, 4, 1, dx, dy, 2, (x + dx, y, 2 * dx, dy))
                        offer(False, x, y, 1, 4, dx, dy, 2, (x, y + dy, dx, 2 * dy))
                    quarters = (x, y, dx, dy), (x + dx, y + dy, dx, dy)
                    offer(False, x, y, 2, 2, dx, dy, 2, *quarters)
                    if mode != "BASIC":
                        offer(False, x, y, 3, 3, dx, dy, 9, (x + dx, y + dy, dx, dy))
                    if mode == "ALL":
                        offer(True, x, y, 2, 1, dx, dy, 2, (x, y, dx, dy))
                        offer(True, x, y, 1, 2, dx, dy, 2, (x, y, dx, dy))
                        offer(True, x, y, 3, 1, dx, dy, 3, (x + dx, y + dx, dx, dy))
                        offer(True, x, y, 1, 3, dx, dy, 3, (x - dy, y + dy, dx, dy))
                        offer(True, x, y, 4, 1, dx, dy, 2, (x + dx, y + dx, 2 * dx, dy))
                        offer(True, x, y, 1, 4, dx, dy, 2, (x - dy, y + dy, dx, 2 * dy))
    return pool


def lbp_pool(width, height):
    """Top left cells of all LBP features."""
    return [
        (x, y, w, h)
        for x in range(width)
        for y in range(height)
        for w in range(1, width // 3 + 1)
        for h in range(1, height // 3 + 1)
        if x + 3 * w <= width and y + 3 * h <= height
    ]


def split_quality(criterion, weights, targets, left):
    """The worth of sending some samples left: "squares", "gini" or "error"."""
    total = 0.0
    sides = [left, [not one for one in left]]
    classes = []
    for side in sides:
        chosen = [(w, t) for w, t, one in zip(weights, targets, side) if one]
        weight = sum(w for w, _ in chosen)
        ones = sum(w for w, t in chosen if t == 1)
        classes.append((weight - ones, ones))
        if criterion == "squares":
            total += sum(w * t for w, t in chosen) ** 2 / weight
        elif criterion == "gini":
            total += ((weight - ones) ** 2 + ones**2) / weight
    if criterion == "error":
        (zeros_left, ones_left), (zeros_right, ones_right) = classes
        return max(zeros_left + ones_right, ones_left + zeros_right)
    return total


def best_threshold(criterion, values, weights, targets):
    """(quality, threshold) of the best cut between two neighbouring values."""
    levels = sorted(set(values))
    cuts = [(a + b) / 2 for a, b in zip(levels, levels[1:])]
    tried = [
        (split_quality(criterion, weights, targets, [v <= cut for v in values]), cut)
        for cut in cuts
    ]
    return max(tried, key=lambda pair: pair[0])


def best_codes(criterion, codes, weights, targets):
    """(quality, codes that go left) of the best way to part the codes, out of all ways."""
    present = sorted(set(codes))
    tried = []
    for choice in range(1, 2 ** len(present) - 1):
        chosen = {code for place, code in enumerate(present) if choice >> place & 1}
        left = [code in chosen for code in codes]
        tried.append((split_quality(criterion, weights, targets, left), chosen))
    return max(tried, key=lambda pair: pair[0])


def boosted_stumps(kind, values, labels, rounds):
    """AdaBoost over single columns of values as in Friedman et al. (2000): stage sums per sample.

    kind: GAB, RAB, DAB or LB; values (features, n); labels -1 or 1. No trimming.
    """
    count = len(labels)
    weights = [1.0 / count] * count
    responses = [2.0 * label for label in labels] if kind == "LB" else list(labels)
    sums, logit = [0.0] * count, [0.0] * count
    criterion = {"GAB": "squares", "LB": "squares", "RAB": "gini", "DAB": "error"}[kind]
    for _ in range(rounds):
        targets = [(y + 1) // 2 for y in labels] if kind in ("RAB", "DAB") else responses
        best = max(
            (*best_threshold(criterion, row, weights, targets), -f) for f, row in enumerate(values)
        )
        left = [value <= best[1] for value in values[-best[2]]]
        answers = {}
        for side in (True, False):
            members = [i for i in range(count) if left[i] is side]
            total = sum(weights[i] for i in members)
            share = sum(weights[i] for i in members if labels[i] == 1) / total
            if criterion == "squares":
                answers[side] = sum(weights[i] * responses[i] for i in members) / total
            elif kind == "RAB":
                share = min(max(share, 1e-5), 1 - 1e-5)
                answers[side] = math.log(share / (1 - share)) / 2
            else:
                answers[side] = 1.0 if share > 0.5 else -1.0
        f = [answers[side] for side in left]
        if kind == "DAB":
            error = sum(w for w, a, y in zip(weights, f, labels) if a != y)
            factor = math.log((1 - error) / error)
            odds = (1 - error) / error
            weights = [w * odds if a != y else w for w, a, y in zip(weights, f, labels)]
            f = [a * factor for a in f]
        elif kind == "LB":
            logit = [before + a / 2 for before, a in zip(logit, f)]
            shares = [1 / (1 + math.exp(-2 * one)) for one in logit]
            weights = [max(p * (1 - p), 2.0**-23) for p in shares]
            responses = [
                min(1 / p, 10) if y == 1 else -min(1 / (1 - p), 10) for p, y in zip(shares, labels)
            ]
        else:
            weights = [w * math.exp(-y * a) for w, y, a in zip(weights, labels, f)]
        total = sum(weights)
        weights = [w / total for w in weights]
        sums = [before + a for before, a in zip(sums, f)]
    return sums


# ---- tightening ---------------------------------------------------------------------------------


def faces_kept(sums, face, thresholds, windows):
    """Whether so many of each face's windows pass all stages, or all of fewer."""
    kept = []
    for number in sorted(set(face)):
        own = [row for row, of in zip(sums, face) if of == number]
        passing = [row for row in own if all(s >= t for s, t in zip(row, thresholds))]
        kept.append(len(passing) >= min(windows, len(own)))
    return kept


def weak_per_window(sums, thresholds, weak):
    """Weak classifiers that a window takes: those of the stages up to the one that it fails."""
    total = 0
    for row in sums:
        for value, threshold, count in zip(row, thresholds, weak):
            total += count
            if value < threshold:
                break
    return total / len(sums)
