import * as l10n from '@vscode/l10n';
import type { SpokenWords } from '../core/spokenText';

/** For the editor and for its pages, in the editor's language. */
export function spokenWords(): SpokenWords {
  return {
    space: count => counted(count, l10n.t('space'), l10n.t('two spaces'), l10n.t('{0} spaces', count)),
    tab: count => counted(count, l10n.t('tab'), l10n.t('two tabs'), l10n.t('{0} tabs', count)),
    newLine: count => counted(count, l10n.t('new line'), l10n.t('two new lines'), l10n.t('{0} new lines', count)),
    carriageReturn: count =>
      counted(count, l10n.t('carriage return'), l10n.t('two carriage returns'), l10n.t('{0} carriage returns', count)),
    noBreakSpace: count => counted(count, l10n.t('no-break space'), l10n.t('two no-break spaces'), l10n.t('{0} no-break spaces', count)),
    byte: hex => l10n.t('byte {0}', hex),
  };
}

function counted(count: number, one: string, two: string, more: string): string {
  return count === 1 ? one : count === 2 ? two : more;
}
