/** Addresses as the webview sees them. */
export interface PanelAddresses {
  readonly cspSource: string;
  readonly title: string;
  readonly script: string;
  readonly style: string;
}

/** A page before its script fills it. Nothing inline runs or styles: the policy has no `unsafe-inline`. */
export function panelHtml({ cspSource, title, script, style }: PanelAddresses): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${cspSource}; style-src ${cspSource}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<script src="${script}"></script>
</body>
</html>
`;
}
