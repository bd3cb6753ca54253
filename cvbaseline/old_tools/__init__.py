"""The programs that OpenCV dropped, with their flags: traincascade, createsamples, mergevec."""
