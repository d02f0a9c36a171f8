"""The part of the recorder that is about assets: a method for each change and each question."""

from scenarios.encoding import check_key_json, de, key_json, ser
from scenarios.graphs import partitions_json

from dagster import AssetKey


def parts(key):
    return key_json(key if isinstance(key, AssetKey) else AssetKey(key))


class AssetCalls:
    """Keys are given as Dagster takes them: a text, a list or a key. A question gives its answer."""

    def wipe_assets(self, *keys):
        return self.step("wipe_assets", {"keys": [parts(key) for key in keys]})

    def wipe_asset_partitions(self, key, partitions):
        return self.step("wipe_asset_partitions", {"key": parts(key), "partitions": partitions})

    def update_asset_cached_status_data(self, key, value):
        return self.step("update_asset_cached_status_data", {"key": parts(key), "value": ser(value)})

    def wipe_asset_cached_status(self, *keys):
        return self.step("wipe_asset_cached_status", {"keys": [parts(key) for key in keys]})

    def delete_dynamic_partition(self, name, key):
        return self.step("delete_dynamic_partition", {"name": name, "key": key})

    def ask(self, question, *keys, **args):
        """A question about assets, or about the first of them."""
        keys = [parts(key) for key in keys]
        return self.step(question, {"keys": keys, "key": keys[0] if keys else None, **args})

    def all_asset_keys(self):
        return self.step("all_asset_keys", {})

    def get_asset_keys(self, prefix=None, limit=None, cursor=None):
        return self.step("get_asset_keys", {"prefix": prefix, "limit": limit, "cursor": cursor})

    def get_asset_records(self, *keys):
        """Of all assets if there are no keys."""
        return self.step("get_asset_records", {"keys": [parts(key) for key in keys] or None})

    def check_record(self, key):
        return self.step("get_latest_asset_check_evaluation_record", {"key": check_key_json(key)})

    def data_version_record(self, key, is_source=None, partition=None, before=None, after=None):
        args = {"is_source": is_source, "partition": partition, "before": before, "after": after}
        return self.ask("get_latest_data_version_record", key, **args)

    def planned_info(self, key, partition=None):
        return self.ask("get_latest_planned_materialization_info", key, partition=partition)

    def materialized_partitions(self, key, before=None, after=None):
        return self.ask("get_materialized_partitions", key, before=before, after=after)

    def status(self, key, definition, partitions):
        """By partition; what has none is left out."""
        args = {"definition": partitions_json(definition), "partitions": partitions}
        found = self.ask("get_status_by_partition", key, **args)
        return found and {name: status for name, status in found.items() if status}

    def cached_status(self, key, definition=None):
        return de(self.ask("get_asset_status_cache_value", key, definition=partitions_json(definition)))

    def fetch(self, kind, key, limit=25, cursor=None, ascending=False, **filters):
        return self.ask(f"fetch_{kind}", key, limit=limit, cursor=cursor, ascending=ascending, filter=filters)

    def event_tags(self, key, filter_tags=None, filter_event_id=None):
        args = {"filter_tags": filter_tags, "filter_event_id": filter_event_id}
        return self.ask("get_event_tags_for_asset", key, **args)

    def what_assets_can(self):
        return self.step("what_assets_can", {})
