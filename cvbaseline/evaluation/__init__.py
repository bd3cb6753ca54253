"""Our own evaluator of cascades on integral images, window by window as OpenCV decides."""
