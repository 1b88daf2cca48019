"""What a valid COCO data set is, written from cocodataset.org/#format-data and not from the exporter."""


def check_coco(data):
    """Check a data set; return source -> its annotations, in the order of their ids' images."""
    assert {"info", "images", "annotations", "categories"} <= set(data)
    image_ids = [image["id"] for image in data["images"]]
    annotation_ids = [annotation["id"] for annotation in data["annotations"]]
    category_ids = [category["id"] for category in data["categories"]]
    for ids in (image_ids, annotation_ids, category_ids):
        assert all(type(number) is int and 0 < number < 2**53 for number in ids)
        assert len(ids) == len(set(ids))
    assert len(data["categories"]) == len({category["name"] for category in data["categories"]})
    for image in data["images"]:
        assert isinstance(image["file_name"], str)
        for side in ("width", "height"):
            assert side not in image or image[side] > 0
    names = {category["id"]: category for category in data["categories"]}
    for annotation in data["annotations"]:
        assert annotation["image_id"] in set(image_ids)
        category = names[annotation["category_id"]]
        assert annotation["iscrowd"] in {0, 1}
        x, y, w, h = annotation["bbox"]
        assert all(type(number) in (int, float) for number in (x, y, w, h))
        assert annotation["area"] == w * h
        if "keypoints" in annotation:
            points = annotation["keypoints"]
            assert len(points) == 3 * len(category["keypoints"])
            seen = points[2::3]
            assert set(seen) <= {0, 1, 2}
            assert annotation["num_keypoints"] == sum(v > 0 for v in seen)
            assert all(points[at : at + 2] == [0, 0] for at in range(0, len(points), 3) if not points[at + 2])
    found = {image["coco_url"]: [] for image in data["images"]}
    urls = {image["id"]: image["coco_url"] for image in data["images"]}
    for annotation in data["annotations"]:
        found[urls[annotation["image_id"]]].append(annotation)
    return found
