/** Addresses as the webview sees them. */
export interface PanelAddresses {
  readonly cspSource: string;
  readonly title: string;
  readonly script: string;
  readonly style: string;
  /** Undefined: English. */
  readonly language: PageLanguage | undefined;
}

/** Strings in the editor's language by what stands in the code, and its name. */
export interface PageLanguage {
  readonly name: string;
  readonly strings: Readonly<Record<string, string>>;
}

/** A page before its script fills it. Nothing inline runs or styles: the policy has no `unsafe-inline`. */
export function panelHtml({ cspSource, title, script, style, language }: PanelAddresses): string {
  // Data, not a script: the policy is not asked about it. No `<` stands in it, so nothing ends the element.
  const strings = JSON.stringify(language?.strings ?? {}).replaceAll('<', '\\u003c');
  return `<!DOCTYPE html>
<html lang="${language?.name ?? 'en'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${cspSource}; style-src ${cspSource}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<script type="application/json" id="strings">${strings}</script>
<script src="${script}"></script>
</body>
</html>
`;
}
