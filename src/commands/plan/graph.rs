//! The plan as a graph that other programs draw.
use std::fmt::{self, Write as _};

use serde::Serialize;

/// A language for graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Language {
    /// Graphviz
    Dot,
}

/// A step, as it is drawn.
pub(super) struct Node<'a> {
    pub(super) id: &'a str,
    pub(super) state: &'a str,
    pub(super) needs: &'a [String],
}

/// The text of a graph.
#[derive(Debug, Serialize)]
pub(super) struct Graph {
    graph: String,
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.graph)
    }
}

impl Graph {
    /// Arrows lead from a step to those that need it: in build order.
    pub(super) fn dot<'a>(nodes: impl Iterator<Item = Node<'a>> + Clone) -> Self {
        let mut graph = String::from(
            "digraph plan {\n  rankdir = LR;\n  node [shape = box, style = filled];\n",
        );
        for node in nodes.clone() {
            let _ = writeln!(
                graph,
                "  {} [fillcolor = {}];",
                quoted(node.id),
                colour(node.state)
            );
        }
        for node in nodes {
            for need in node.needs {
                let _ = writeln!(graph, "  {} -> {};", quoted(need), quoted(node.id));
            }
        }
        graph.push_str("}\n");
        Self { graph }
    }
}

fn quoted(id: &str) -> String {
    format!("\"{}\"", id.replace('\\', "\\\\").replace('"', "\\\""))
}

fn colour(state: &str) -> &'static str {
    match state {
        "done" => "palegreen",
        "stale" => "khaki",
        "running" | "paused" => "lightblue",
        "pending" => "white",
        _ => "lightpink",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_text_for_dot() {
        let needs = ["a\"b".to_owned()];
        let nodes = [
            Node {
                id: "a\"b",
                state: "done",
                needs: &[],
            },
            Node {
                id: "c",
                state: "failed",
                needs: &needs,
            },
        ];
        let graph = Graph::dot(nodes.iter().map(|node| Node { ..*node }));
        assert_eq!(
            graph.graph.lines().skip(3).collect::<Vec<_>>(),
            [
                "  \"a\\\"b\" [fillcolor = palegreen];",
                "  \"c\" [fillcolor = lightpink];",
                "  \"a\\\"b\" -> \"c\";",
                "}"
            ]
        );
    }
}
