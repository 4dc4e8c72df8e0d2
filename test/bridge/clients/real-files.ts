import type { ClientAppId } from '../../../shared/client-app.ts'

/** Settings files as they are found in the field: comments, trailing commas, other servers, keys that nobody knows. */
export const realFiles: Readonly<Record<ClientAppId, string>> = {
  'claude-desktop': `{
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/Users/ada/Desktop"]
    },
    "sentry": {
      "command": "npx",
      "args": ["-y", "mcp-remote@latest", "https://mcp.sentry.dev/mcp"]
    }
  },
  "globalShortcut": "Cmd+Shift+Space",
  "preferences": { "menuBarEnabled": false, "legacyQuickEntryEnabled": false }
}
`,
  'claude-code': `{
  "numStartups": 412,
  "installMethod": "native",
  "tipsHistory": {
    "new-user-warmup": 9,
    "shift-enter": 400
  },
  "projects": {
    "/home/ada/src/engine": {
      "allowedTools": [],
      "mcpServers": {},
      "hasTrustDialogAccepted": true,
      "lastCost": 0.28471999999999995
    }
  },
  "oauthAccount": { "emailAddress": "ada@example.com" },
  "mcpServers": {
    "github": {
      "type": "http",
      "url": "https://api.githubcopilot.com/mcp/",
      "headers": { "Authorization": "Bearer ghp_0123456789abcdefghijABCDEFGHIJ012345" }
    }
  },
  "cachedGrowthBookFeatures": { "tengu_x": true }
}`,
  cursor: `{
	"mcpServers": {
		// Design files
		"figma": {
			"url": "http://127.0.0.1:3845/mcp"
		},
		"linear": {
			"command": "npx",
			"args": ["-y", "mcp-remote", "https://mcp.linear.app/sse"], // old transport
		},
	},
}
`,
  vscode: `{
    // Servers of the team
    "servers": {
        "playwright": {
            "type": "stdio",
            "command": "npx",
            "args": [
                "@playwright/mcp@latest"
            ]
        },
        /* asked for at the first start */
        "notion": {
            "type": "http",
            "url": "https://mcp.notion.com/mcp",
            "headers": {
                "Authorization": "Bearer \${input:notion-token}"
            }
        }
    },
    "inputs": [
        { "id": "notion-token", "type": "promptString", "description": "Notion", "password": true },
    ]
}
`,
  'vscode-insiders': '{"servers":{},"inputs":[]}',
  'copilot-cli': `{
  "mcpServers": {
    "context7": {
      "type": "http",
      "url": "https://mcp.context7.com/mcp",
      "tools": ["*"]
    }
  }
}
`,
  windsurf: `{
  "mcpServers": {
    "figma": { "serverUrl": "https://mcp.figma.com/mcp" },
    "memory": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"], "disabled": true }
  }
}
`,
  zed: `// Zed settings
//
// For information on how to configure Zed, see the Zed
// documentation: https://zed.dev/docs/configuring-zed
{
  "telemetry": { "metrics": false }, // none
  "ui_font_size": 16,
  "context_servers": {
    "old-style": {
      "command": { "path": "npx", "args": ["mcp-remote", "https://mcp.deepwiki.com/sse"], "env": {} },
      "settings": {}
    }
    // "off": { "url": "https://example.com" }
  },
  "theme": {
    "mode": "system",
    "light": "One Light",
    "dark": "One Dark",
  },
}
`,
  cline: `{
  "mcpServers": {
    "weather": {
      "autoApprove": ["get_forecast"],
      "disabled": false,
      "timeout": 60,
      "type": "stdio",
      "command": "uv",
      "args": ["run", "weather.py"]
    },
    "stripe": {
      "transport": { "type": "streamableHttp", "url": "https://mcp.stripe.com" },
      "oauth": { "tokens": { "access_token": "stripe-access-0123456789", "token_type": "bearer" } }
    }
  }
}`,
  continue: `name: Ada's Config
version: 1.0.0
schema: v1

models:
  - name: Claude   # the big one
    provider: anthropic
    apiKey: \${{ secrets.ANTHROPIC_API_KEY }}
    roles: [chat, edit]
mcpServers:
  # documentation
  - name: Context7
    type: streamable-http
    url: https://mcp.context7.com/mcp
    requestOptions:
      headers:
        CONTEXT7_API_KEY: ctx7sk-0123456789
  - name: sqlite
    command: npx
    args:
      - "-y"
      - "mcp-sqlite"
      - "/tmp/data base.db"

# rules come last
rules:
  - Be short.
`,
  'gemini-cli': `{
  "security": { "auth": { "selectedType": "oauth-personal" } },
  "mcpServers": {
    "docs": {
      "httpUrl": "https://docs.example.com/mcp",
      "timeout": 5000,
      "trust": false
    }
  },
  "ui": { "theme": "Default" }
}
`,
  antigravity: `{
  "mcpServers": {
    "supabase": {
      "serverUrl": "https://mcp.supabase.com/mcp?project_ref=abcd&api_key=sbp-0123456789",
      "disabledTools": ["apply_migration"]
    }
  }
}
`,
  codex: `model = "gpt-5-codex"
model_reasoning_effort = "high" # slow, but right
notify = ["python3", "/home/ada/.codex/notify.py"]

[projects."/home/ada/src/engine"]
trust_level = "trusted"

# documentation lookup
[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp"]
startup_timeout_sec = 20.0

[mcp_servers.context7.env]
CONTEXT7_API_KEY = "ctx7sk-0123456789"

[mcp_servers."figma-remote"]
url = "https://mcp.figma.com/mcp"
bearer_token_env_var = "FIGMA_TOKEN"

[tui]
notifications = true
banner = """
[mcp_servers.not-a-table]
"""
`,
  opencode: `{
  "$schema": "https://opencode.ai/config.json",
  // servers
  "mcp": {
    "sentry": {
      "type": "remote",
      "url": "https://mcp.sentry.dev/mcp",
      "enabled": true,
      "headers": { "Authorization": "Bearer {env:SENTRY_TOKEN}" }
    },
    "everything": {
      "type": "local",
      "command": ["npx", "-y", "mcp-remote", "https://everything.example.com/mcp", "--debug"],
      "environment": { "MCP_REMOTE_CONFIG_DIR": "/home/ada/.mcp-elsewhere" }
    },
  },
}
`,
  goose: `GOOSE_PROVIDER: anthropic
GOOSE_MODEL: claude-sonnet-4-5
extensions:
  developer:
    bundled: true
    display_name: Developer
    enabled: true
    name: developer
    timeout: 300
    type: builtin
  fetch:
    args:
    - mcp-server-fetch
    available_tools: []
    cmd: uvx
    description: |
      Fetches pages.

      With two paragraphs.
    enabled: false
    env_keys:
    - FETCH_KEY
    envs: {}
    name: fetch
    type: stdio
GOOSE_TELEMETRY_ENABLED: false
`,
  'lm-studio': `{
  "mcpServers": {
    "hf-mcp-server": {
      "url": "https://huggingface.co/mcp",
      "headers": {
        "Authorization": "Bearer hf_0123456789abcdefghij"
      }
    }
  }
}
`,
  junie: `{
    "mcpServers": {
        "Postgres": {
            "command": "docker",
            "args": ["run", "-i", "--rm", "mcp/postgres", "postgresql://ada:lovelace1815@db.example.com/x"]
        }
    }
}
`,
  'jetbrains-copilot': `{
    "servers": {
        "github": {
            "url": "https://api.githubcopilot.com/mcp/",
            "requestInit": {
                "headers": {
                    "Authorization": "Bearer github_pat_0123456789abcdefghij"
                }
            }
        }
    }
}
`,
  kiro: `{
  "mcpServers": {
    "fetch": {
      "command": "uvx",
      "args": ["mcp-server-fetch"],
      "env": {},
      "disabled": true,
      "autoApprove": []
    }
  },
  "powers": { "mcpServers": {} }
}`,
  amp: `{
  "amp.notifications.enabled": true,
  "amp.mcpServers": {
    "playwright": { "command": "npx", "args": ["-y", "@playwright/mcp@latest", "--headless"] }
  },
  // ask first
  "amp.commands.allowlist": ["git status"]
}
`,
}
