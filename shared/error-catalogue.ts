/** Who can end a failure. It alone decides tone, retry, exit code and HTTP status. */
export type Fixer = 'user' | 'time' | 'operator' | 'nobody' | 'bug'

interface Entry {
  readonly fixer: Fixer
  /** What went wrong, one sentence without a full stop. */
  readonly cause: string
  /** What to do next, one sentence. */
  readonly remedy: string
}

const entry = (fixer: Fixer, cause: string, remedy: string): Entry => ({ fixer, cause, remedy })

// prettier-ignore
/** Every failure Bridgekeeper can name. A code is `area.reason`; a face shows cause, detail and remedy. */
export const errors = {
  'url.invalid': entry('user', 'This is not a URL', 'Give the full address of the MCP server, such as https://mcp.example.com/mcp.'),
  'url.not_http': entry('user', 'Only http and https addresses can be used', 'Give the https address of the MCP server.'),
  'url.plain_http': entry('user', 'Plain http is allowed for this machine only', 'Use the https address of the server.'),
  'url.credentials': entry('user', 'The URL contains a user name or password', 'Remove them; use --bearer-stdin or --header for a key.'),

  'network.unreachable': entry('time', 'The server could not be reached', 'Check the address and your network; it is tried again.'),
  'network.timeout': entry('time', 'The server did not answer in time', 'Try again later.'),
  'network.tls': entry('operator', 'The secure connection could not be made', 'The operator of the server must mend its certificate.'),
  'network.private_address': entry('nobody', 'A public server pointed at a private address', 'Do not use this server; its metadata reaches into your own network.'),
  'network.plain_http': entry('operator', 'The server pointed at an address that is not https', 'The operator of the server must publish https addresses.'),
  'network.too_large': entry('operator', 'The answer was larger than such an answer may be', 'The operator of the server must mend it.'),
  'network.redirect_refused': entry('operator', 'The server redirected where it must not', 'Use the address it points to, if you trust it.'),

  'server.not_mcp': entry('user', 'There is no MCP server at this address', 'Check the address with the documentation of the server.'),
  'server.failed': entry('time', 'The server answered with an error of its own', 'Try again later.'),
  'server.refused_call': entry('user', 'The server refused this call', 'See tools for the names and the arguments it takes.'),
  'server.refused_token': entry('operator', 'The server refuses a token that its own authorization server just issued', 'Show the trace to the operator of the server.'),
  'server.forbidden': entry('nobody', 'The server does not allow this to your account', 'Ask the operator of the server for the permission.'),

  'discovery.no_authorization_server': entry('operator', 'The server asks for a sign-in but does not say where', 'Show the trace to the operator of the server.'),
  'discovery.metadata_invalid': entry('operator', 'The metadata of the server cannot be used', 'Show the trace to the operator of the server.'),
  'discovery.issuer_mismatch': entry('nobody', 'The authorization server gives another name than the one it was found under', 'Do not sign in; show the trace to the operator of the server.'),
  'discovery.resource_mismatch': entry('nobody', 'The metadata of the server is for another server', 'Do not sign in; show the trace to the operator of the server.'),
  'discovery.endpoint_refused': entry('nobody', 'An endpoint of the authorization server has an address that must not be used', 'Do not sign in; show the trace to the operator of the server.'),
  'discovery.issuer_changed': entry('user', 'The server now points to another authorization server than at your sign-in', 'Sign in again if you trust the new one.'),

  'registration.needed': entry('user', 'This server does not register clients by itself', 'Register an application with the server, with the redirect URI shown, and add its client id with --client-id.'),
  'registration.refused': entry('operator', 'The authorization server refused to register Bridgekeeper', 'Add a client id of your own with --client-id, or ask the operator to allow registration.'),
  'registration.metadata_url_invalid': entry('user', 'The address of a client metadata document must be https with a path', 'Give such an address with --metadata-url.'),

  'oauth.pkce_unsupported': entry('operator', 'The authorization server does not say that it supports PKCE (S256)', 'If you know that it does, allow it for this connection with --allow-missing-pkce.'),
  'oauth.denied': entry('user', 'The sign-in was denied in the browser', 'Connect again and allow it.'),
  'oauth.authorization_failed': entry('operator', 'The authorization server answered the sign-in with an error', 'Show the trace to the operator of the server.'),
  'oauth.scope_refused': entry('user', 'The authorization server does not know a scope that was asked', 'Connect again with fewer scopes.'),
  'oauth.state_unknown': entry('user', 'No sign-in waits for this answer', 'Start again with connect; a sign-in link works once and for a limited time.'),
  'oauth.issuer_mismatch': entry('nobody', 'The answer to the sign-in came from another authorization server', 'Do not go on; nothing of the answer was used.'),
  'oauth.issuer_missing': entry('nobody', 'The answer to the sign-in does not say who sent it, though the server promises that', 'Do not go on; nothing of the answer was used.'),
  'oauth.token_refused': entry('operator', 'The authorization server refused to exchange the code for a token', 'Connect again; if it happens again, show the trace to the operator of the server.'),
  'oauth.token_missing': entry('operator', 'The authorization server answered without a usable token', 'Show the trace to the operator of the server.'),
  'oauth.client_unknown': entry('user', 'The authorization server does not know this client any more', 'Connect again; Bridgekeeper registers anew where the server allows it.'),
  'oauth.refresh_rejected': entry('user', 'The server ended this sign-in', 'Sign in again with connect.'),
  'oauth.expired': entry('user', 'The access has expired and the server gave no way to renew it', 'Sign in again with connect.'),
  'oauth.revocation_refused': entry('operator', 'The authorization server refused to revoke the token', 'End the access on the page of the server itself.'),
  'oauth.refresh_failed': entry('time', 'The sign-in could not be renewed just now', 'It is tried again by itself.'),
  'oauth.timed_out': entry('user', 'The sign-in was not finished in time', 'Connect again.'),
  'oauth.cancelled': entry('user', 'The sign-in was cancelled', 'Connect again when you want to.'),
  'oauth.callback_invalid': entry('user', 'This is not the address that a sign-in ends at', 'Copy the whole address from the browser after you allowed the access.'),

  'connection.unknown': entry('user', 'There is no connection with this id', 'See the list of connections for the ids.'),
  'connection.exists': entry('user', 'There is a connection with this id already', 'Choose another with --id, or remove the first.'),
  'connection.id_invalid': entry('user', 'This cannot be the id of a connection', 'Use up to 40 lower-case letters, digits and single dashes.'),
  'connection.options_conflict': entry('user', 'These options do not go together', 'Give either a bearer, headers, or options for a sign-in.'),
  'connection.header_invalid': entry('user', 'This header cannot be sent', "Give it as 'Name: value', without line breaks, and not one that the bridge itself sets."),
  'connection.bearer_invalid': entry('user', 'This cannot be sent as a bearer token', 'Paste the token alone, in one line.'),
  'connection.signed_out': entry('user', 'This connection is not signed in', 'Sign in with connect.'),
  'connection.signing_in': entry('user', 'The sign-in of this connection is not finished', 'Finish it in the browser.'),
  'connection.key_refused': entry('user', 'The server refuses the key of this connection', 'Remove the connection and add it with a new key.'),
  'connection.ended': entry('user', 'The access of this connection was just ended', 'Sign in again with connect.'),
  'connection.not_oauth': entry('user', 'This connection does not sign in; it has a key of its own', 'Remove it and add it again: with a new key, or without one to sign in.'),

  'step_up.needed': entry('user', 'The server asks for more scopes for this call', 'Allow them with connect, then call again.'),
  'step_up.limit': entry('nobody', 'The server keeps asking for scopes that it does not grant', 'Ask the operator of the server for the permission.'),

  'gateway.host_refused': entry('nobody', 'This address is served to this machine only', 'Use the endpoint exactly as shown by Bridgekeeper.'),
  'gateway.origin_refused': entry('nobody', 'Web pages may not use the local endpoint', 'Use an MCP client.'),
  'gateway.key_unknown': entry('user', 'The client key in this address is not known', 'Get the address anew from Bridgekeeper.'),
  'gateway.not_found': entry('user', 'Nothing is served at this address', 'Use the endpoint exactly as shown by Bridgekeeper.'),
  'gateway.method_refused': entry('user', 'This HTTP method is not part of MCP', 'Use an MCP client.'),
  'gateway.request_invalid': entry('user', 'The request is not valid HTTP', 'Use an MCP client.'),
  'gateway.body_too_large': entry('user', 'The request is larger than the limit', 'Send less, or raise the limit with settings set gateway.maxRequestBytes.'),
  'gateway.body_incomplete': entry('user', 'The request ended before it was complete', 'Send it again.'),
  'gateway.stream_cut': entry('time', 'The server ended the connection before its answer was complete', 'Call again if the call may be repeated.'),
  'gateway.message_invalid': entry('user', 'This is not a JSON-RPC message', 'Send one JSON object in each line.'),
  'gateway.too_many_calls': entry('time', 'Too many calls of this client are under way', 'Wait for answers, then call again.'),
  'gateway.not_initialized': entry('user', 'This client has not begun a session', 'Send initialize first, or use the current revision of the protocol.'),
  'gateway.session_lost': entry('user', 'The server had forgotten the session of this client', 'Call again in the new session; this call was not repeated, since it may have had an effect.'),
  'gateway.call_lost': entry('user', 'The bridge was restarted during this call', 'Look whether it had its effect, then call again.'),

  'vault.torn': entry('user', 'The vault file is damaged', 'It was set aside and not changed; start again and sign in anew, or put a good copy back.'),
  'vault.foreign': entry('user', 'The vault file is not one of Bridgekeeper, or of a newer version', 'It was set aside and not changed; start again, or put a good copy back.'),
  'vault.wrong_key': entry('user', 'The vault was sealed with another key', 'It was set aside and not changed; bring the key back and rename the file, or start again and sign in anew.'),
  'vault.write_failed': entry('user', 'The vault could not be written', 'Check the free space and the rights of the folder.'),
  'vault.unreadable': entry('user', 'The vault file cannot be read', 'Make it a plain file that belongs to you (mode 0600); it was not changed.'),
  'vault.record_invalid': entry('user', 'This version cannot read a record of the vault', 'Use the version of Bridgekeeper that wrote it; it was not changed.'),
  'keystore.unavailable': entry('user', 'No OS keychain can be used here', 'Unlock or install one, or choose a passphrase or a key file with settings set keyStore.'),
  'keystore.locked': entry('user', 'The OS keychain is locked or did not answer', 'Unlock it and start again, or choose another store with settings set keyStore.'),
  'keystore.passphrase_missing': entry('user', 'The vault needs its passphrase', 'Set BRIDGEKEEPER_PASSPHRASE or BRIDGEKEEPER_PASSPHRASE_FILE.'),
  'keystore.passphrase_wrong': entry('user', 'The passphrase does not open the vault', 'Try again; nothing was changed.'),
  'keystore.key_file_invalid': entry('user', 'The key file cannot be used', 'Put the good key file back; it must belong to you alone (mode 0600).'),

  'clients.unknown': entry('user', 'There is no client app with this name', 'See clients for the names.'),
  'clients.no_project_file': entry('user', 'This client app has no settings for a project', 'Add it without --project.'),
  'clients.file_broken': entry('user', 'The settings file of the client app cannot be read', 'Mend it in an editor and try again; it was not changed.'),
  'clients.file_unsupported': entry('user', 'The settings file of the client app is written in a way that cannot be edited safely', 'Make the change by hand; the file was not changed.'),
  'clients.file_changed': entry('user', 'The settings file of the client app was changed in the meantime', 'Look at the change anew, then apply it; the file was not changed.'),
  'clients.file_read_only': entry('user', 'The settings file of the client app may not be written', 'Make it writable, or make the change where the file is made.'),
  'clients.write_failed': entry('user', 'The settings file of the client app could not be written', 'Check the free space and the rights of its folder; the file is as it was.'),
  'clients.entry_taken': entry('user', 'The client app has another server with this name', 'Take it over with clients import, or rename it in the client app.'),
  'clients.command_failed': entry('user', 'The command of the client app did not make the change', 'Run it in a terminal to see why.'),
  'clients.backup_broken': entry('user', 'The backup cannot be opened', 'Make the change by hand; no file was changed.'),
  'clients.nothing_to_undo': entry('user', 'There is no change of a client app that could be undone', 'Remove an entry with clients remove.'),
  'clients.undo_overtaken': entry('user', 'The settings file was changed after the change that is to be undone', 'Remove the entry with clients remove; the file was not changed.'),
  'clients.not_importable': entry('user', 'This server of the client app cannot be taken over', 'Add it by its address with add.'),
  'clients.value_missing': entry('user', 'The value of a header is not in the file of the client app', 'Run the import in a terminal and give it when you are asked.'),
  'clients.no_connections': entry('user', 'There is no connection that could be added to the client app', 'Add a connection first, with add.'),
  'clients.no_link': entry('user', 'This client app has no link for adding a server', 'Add it without --link.'),
  'clients.shim_missing': entry('user', 'This client app only starts programs, and the program for it is not in this installation', 'Use a client app that speaks HTTP, or install a version of Bridgekeeper that has it.'),

  'activity.write_failed': entry('user', 'The record of calls cannot be written', 'Check the free space and the rights of its folder; calls go on, and are recorded again when it can be.'),
  'activity.unreadable': entry('user', 'The record of calls cannot be read', 'Check the rights of its folder; calls go on.'),

  'bridge.port_in_use': entry('user', 'The port is used by another program', 'End that program, or choose another port with --port, BRIDGEKEEPER_PORT or settings set port.'),
  'bridge.port_refused': entry('user', 'The system does not allow this port to you', 'Choose a port above 1023 with --port, BRIDGEKEEPER_PORT or settings set port.'),
  'bridge.home_unwritable': entry('user', 'The folder of Bridgekeeper cannot be written', 'Mend its rights, or choose another with BRIDGEKEEPER_HOME.'),
  'bridge.home_exposed': entry('user', 'Other users of this machine can write to the folder of Bridgekeeper', 'Make the folder yours alone (chmod 700).'),
  'bridge.unreachable': entry('time', 'The bridge does not answer', 'Start it with serve; see its log for the reason.'),
  'bridge.start_failed': entry('user', 'The bridge could not be started', 'Run serve in a terminal to see why.'),
  'bridge.busy': entry('time', 'The bridge is ending', 'Try again in a moment.'),
  'bridge.request_invalid': entry('user', 'The bridge does not understand this request', 'Check what you typed; after an update, end the old bridge with stop and try again.'),
  'bridge.internal': entry('bug', 'Bridgekeeper made a mistake', 'Please report it with the log; no secret is in it.'),
  'settings.broken': entry('user', 'The settings file cannot be read', 'Mend it or remove it; it was not changed.'),
  'settings.unknown_key': entry('user', 'There is no setting with this name', 'See settings get for the names.'),
  'settings.value_invalid': entry('user', 'This setting cannot have this value', 'See settings get for the present value.'),
  'browser.failed': entry('user', 'The browser could not be opened', 'Open the address yourself; connect --no-browser shows it.'),
  'cli.usage': entry('user', 'The command cannot be understood', 'See bridgekeeper help.'),
} as const satisfies Record<string, Entry>
