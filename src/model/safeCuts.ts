/**
 * Where a text may be cut without changing any token, whatever stands further away: at the end of a word or a number. No pattern in use lets
 * what follows here go on with a word (an apostrophe or a combining mark may, so they are not here), and what follows is split without a look
 * back. These hold for all families of patterns (GPT-2 with and without digits apart, Llama 3, Qwen, GPT-4o, DeepSeek, Falcon, BLOOM) ...
 */
const cutsEverywhere = [/(?<=[A-Za-z0-9])(?=[ \t])/u, /(?<=[\p{L}\p{N}])(?=[\n.,!?、。，])/u];
/** ... and these for all but those that split at white space and stops only (BLOOM). */
const cutsOfMost = [/(?<=[\p{L}\p{N}])(?=[!-&(-/:-@[-`{-~])/u, /(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])/u];
/** UTF-16 units to either side that the patterns above look at. */
const reach = 2;

/** The kinds of cuts that hold for `split`, tried on all texts of three characters: there are tokenizers whose words are not words. */
export function cutsFor(split: (text: string) => readonly string[]): RegExp {
  const known = new Map<string, string>();
  const splitOnce = (text: string): string => {
    const pieces = known.get(text) ?? split(text).join('|');
    known.set(text, pieces);
    return pieces;
  };
  const characters = Array.from('a7 \n."/中');
  const texts = characters.flatMap(first => characters.flatMap(second => characters.map(third => first + second + third)));
  const holds = (cut: RegExp, text: string): boolean => {
    const at = text.search(cut);
    return at < 0 || splitOnce(text) === `${splitOnce(text.slice(0, at))}|${splitOnce(text.slice(at))}`;
  };
  return eitherOf([...cutsEverywhere, ...cutsOfMost].filter(cut => texts.every(text => holds(cut, text))));
}

function eitherOf(patterns: readonly RegExp[]): RegExp {
  return new RegExp(patterns.map(pattern => pattern.source).join('|') || '(?!)', 'gu');
}

/** The first place where the text may be cut; its end where there is none. */
export function firstCut(text: string, cuts: RegExp): number {
  const at = text.search(cuts);
  return at < 0 ? text.length : at;
}

/** The last place where the text may be cut; 0 where there is none. */
export function lastCut(text: string, cuts: RegExp): number {
  for (let end = text.length, step = 128; end > 0; end -= step, step *= 2) {
    const start = Math.max(0, end - step - reach);
    const last = [...text.slice(start, end + reach).matchAll(cuts)].at(-1);
    if (last) return start + last.index;
  }
  return 0;
}

/** Where texts may be cut whose words are not split off before tokens are made: no token reaches over a cut that none of them contains. */
const cutsOfTexts = [
  /(?<=[^ \u2581])(?=[ \u2581])/u,
  /(?<=[^\n])(?=\n)/u,
  /(?<=\n)(?=[^\n])/u,
  /(?<=[\p{L}\p{N}])(?=[,;:!?、。，])/u,
  /(?<=[、。，])(?=\p{L})/u,
];

/** The kinds of cuts that none of the tokens has inside of it; their spaces are spaces. */
export function cutsBetween(tokens: readonly string[]): RegExp {
  return eitherOf(cutsOfTexts.filter(cut => !tokens.some(token => cut.test(token))));
}
