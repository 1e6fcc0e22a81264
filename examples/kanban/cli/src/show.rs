//! The texts on the terminal.

use kanban::{Boards, Columns, Imported};

pub(crate) fn boards(boards: &Boards) {
    for listed in &boards.boards {
        println!("{} ({:?})", listed.board, listed.role);
    }
}

pub(crate) fn columns(board: &Columns) {
    for column in &board.columns {
        println!("# {}", column.title);
        for card in &column.cards {
            println!("{:>4} {}", card.id, card.title);
        }
    }
    println!();
}

pub(crate) fn imported(imported: &Imported) {
    println!("{} cards added, {} lines skipped", imported.added, imported.skipped);
    for problem in &imported.problems {
        println!("line {}: {}", problem.line, problem.message);
    }
}
