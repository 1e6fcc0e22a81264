//! The figures of `docs/performance.md`, which are those of the measured ones.

use crate::support::read;

#[test]
fn each_figure_is_one_of_the_measured_ones() {
    let measured = read("benches/README.md");
    let (_, results) = measured.split_once("\n## Results\n").expect("results");
    let (results, _) = results.split_once("\n| change |").expect("the table of changes");
    let page = read("docs/performance.md");
    let tables = page.split("\n\n").filter(|part| {
        let head = part.lines().next().unwrap_or_default();
        head.starts_with('|') && head.contains(" figure |")
    });
    let mut count = 0;
    for row in tables.flat_map(|table| table.lines().skip(2)) {
        let figure = row.split(" | ").nth(1).unwrap_or_else(|| panic!("a figure in {row}"));
        let number = figure.trim_end_matches(" |").split(' ').next().unwrap_or(figure);
        let unit = figure.strip_prefix(number).unwrap_or_default().trim_start();
        let unit = ["µs", "KiB", "%"].into_iter().find(|known| unit.starts_with(known));
        let written = unit.map_or_else(|| format!(" {number}/s "), |unit| format!(" {number} {unit} "));
        assert!(results.contains(&written), "`{written}` is not measured: {row}");
        count += 1;
    }
    assert!(count > 10, "{count} figures");
}
