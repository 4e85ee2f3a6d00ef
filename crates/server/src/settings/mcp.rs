//! What assistants may use.

use serde::Deserialize;

/// What assistants may use, over the Model Context Protocol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mcp {
    /// Whether the server answers at `/mcp`. The command `timberline mcp` does not need it.
    pub http: bool,
    /// The tools that there are.
    pub tools: Vec<McpTool>,
}

impl Default for Mcp {
    fn default() -> Self {
        Self {
            http: false,
            tools: McpTool::ALL.to_vec(),
        }
    }
}

/// A tool: what an assistant can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum McpTool {
    /// Sums of time.
    Usage,
    /// Spans of time.
    Activity,
    /// What a text is found in.
    Search,
    /// The rules of categories.
    Categories,
    /// Programs in the query language.
    Query,
    /// The list of buckets.
    Buckets,
}

impl McpTool {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Usage,
        Self::Activity,
        Self::Search,
        Self::Categories,
        Self::Query,
        Self::Buckets,
    ];
}
