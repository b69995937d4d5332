/** Addresses as the webview sees them. */
export interface PanelAddresses {
  readonly cspSource: string;
  readonly script: string;
  readonly style: string;
}

/** The panel's page before its script fills it. Nothing inline runs or styles: the policy has no `unsafe-inline`. */
export function panelHtml({ cspSource, script, style }: PanelAddresses): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${cspSource}; style-src ${cspSource}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Next token</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<script src="${script}"></script>
</body>
</html>
`;
}
