"""A face detector for dsvc: OpenCV's Haar cascades, as a model worker's producer and as a transform."""
