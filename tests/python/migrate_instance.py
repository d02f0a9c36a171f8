"""Carry out all of `dagster instance migrate`, on any kind of storage.

    python migrate_instance.py HOME
"""

import sys

from common import emit, open_instance


def main():
    with open_instance(sys.argv[1]) as instance:
        instance.upgrade(lambda _message: None)
    emit(True)


if __name__ == "__main__":
    main()
