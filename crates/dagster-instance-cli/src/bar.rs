//! The picture of many partitions: a line of a few cells, in the order of the partitions.

use dagster_instance::AssetPartitionStatus::{Failed, InProgress, Materialized};

use crate::args::PartitionStatus;

/// How many cells a picture has at most.
const WIDTH: usize = 60;

/// What the cells mean.
pub(crate) const LEGEND: &str =
    "█ materialized  ▄ partly  x some failed  > some in progress  · missing";

/// The picture. A cell stands for one partition or for several neighbours. The worst of them shows.
pub(crate) fn bar(statuses: &[PartitionStatus]) -> String {
    let cells = statuses.len().min(WIDTH);
    let start = |cell: usize| cell * statuses.len() / cells;
    (0..cells).map(|cell| symbol(&statuses[start(cell)..start(cell + 1)])).collect()
}

fn symbol(neighbours: &[PartitionStatus]) -> char {
    let materialized = neighbours.iter().filter(|status| **status == Some(Materialized)).count();
    if neighbours.contains(&Some(Failed)) {
        'x'
    } else if neighbours.contains(&Some(InProgress)) {
        '>'
    } else if materialized == neighbours.len() {
        '█'
    } else if materialized > 0 {
        '▄'
    } else {
        '·'
    }
}

/// How many partitions stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) materialized: usize,
    pub(crate) failed: usize,
    pub(crate) in_progress: usize,
    pub(crate) missing: usize,
}

impl Counts {
    pub(crate) fn of(statuses: &[PartitionStatus]) -> Self {
        let count = |status| statuses.iter().filter(|it| **it == status).count();
        Self {
            materialized: count(Some(Materialized)),
            failed: count(Some(Failed)),
            in_progress: count(Some(InProgress)),
            missing: count(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failed, InProgress, Materialized, WIDTH, bar};

    #[test]
    fn a_few_partitions_have_a_cell_each() {
        assert_eq!(bar(&[]), "");
        let statuses = [Some(Materialized), None, Some(Failed), Some(InProgress)];
        assert_eq!(bar(&statuses), "█·x>");
    }

    #[test]
    fn many_partitions_share_cells_and_the_worst_shows() {
        let mut statuses = vec![Some(Materialized); 10_000];
        assert_eq!(bar(&statuses), "█".repeat(WIDTH));
        statuses[9_999] = None;
        statuses[5_000] = Some(InProgress);
        statuses[0] = Some(Failed);
        statuses[1] = Some(InProgress);
        let drawn: Vec<char> = bar(&statuses).chars().collect();
        assert_eq!((drawn.len(), drawn[0], drawn[30], drawn[59]), (WIDTH, 'x', '>', '▄'));
        assert_eq!(drawn.iter().filter(|symbol| **symbol == '█').count(), WIDTH - 3);
        assert_eq!(bar(&vec![None; 61]), "·".repeat(WIDTH));
    }
}
