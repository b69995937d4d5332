/** Characters that could steer a terminal, hide, or turn the direction of what follows. Joiners stay: emoji and Indic scripts need them. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/** A visible stand-in for one such character: control pictures where Unicode has them, else the code point. */
export function glyphOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Text for a terminal: line breaks and tabs stay, everything else that a terminal might obey is made visible. */
export function safeText(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(unsafe, character => (character === '\n' || character === '\t' ? character : glyphOf(character)));
}

/** As `safeText`, on one line: for names and messages. */
export function safeLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim().replace(unsafe, glyphOf);
}
