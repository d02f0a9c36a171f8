"""What makes many fresh homes bearable: Dagster reads the files of all its schema revisions anew for each database."""

from alembic.script import ScriptDirectory


def read_revisions_once():
    original = ScriptDirectory.from_config.__func__
    known = {}

    def from_config(cls, config):
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = original(cls, config)
        return known[place]

    ScriptDirectory.from_config = classmethod(from_config)
