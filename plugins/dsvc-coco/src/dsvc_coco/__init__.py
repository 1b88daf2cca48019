"""Datasets in the COCO format, as an exporter for dsvc."""
