import path from 'node:path';
import * as vscode from 'vscode';
import { createApi } from './api';
import type { TokenLensApi } from './api';
import { ContextKeys, openSample, registerCommands, rescore, toggleLens } from './commands';
import { Config } from './config';
import { DisposableStore } from './disposable';
import { ExampleNotes } from './exampleNotes';
import { Grammars } from './grammars';
import { HubAccess } from './hubAccess';
import { Insertions } from './insertions';
import { LastingMemory } from './lastingMemory';
import { LeftOut } from './leftOut';
import { LensModel } from './lensModel';
import { Looks } from './looks';
import { Pauses } from './pauses';
import { Preambles } from './preambles';
import { ReadingCheck } from './readingCheck';
import { Readings } from './readings';
import { ScoredDocuments } from './scoredDocuments';
import { Shown } from './shown';
import { ablateSelection, showEffects } from './views/ablate';
import { showAlternatives } from './views/alternatives';
import { BranchPreviews } from './views/branch';
import { Announcer, readHere } from './views/byEar';
import { ChangeView } from './views/change';
import { readWithShortContext, showContextNeeds } from './views/contextColours';
import { DecorationView } from './views/decorations';
import { WorkedExamples } from './views/examples';
import { ExplainView } from './views/explain';
import { DifferenceView } from './views/differenceView';
import { chooseModelFolder, reportFailures, tellNotKept } from './views/failures';
import { useEditorLanguage } from './views/language';
import { copyAsMarkdown, exportScores } from './views/exports';
import { GhostTextView } from './views/ghostText';
import { registerHover } from './views/hover';
import { LessonView } from './views/lesson';
import { showMenu } from './views/menu';
import { oneInPlace } from './views/inPlace';
import type { InPlaceView } from './views/inPlace';
import { fromStatusBar, InsertionView } from './views/insertionView';
import { selectLeftOut } from './views/leftOutPick';
import { LongReading } from './views/longReading';
import { PanelView } from './views/panel';
import { PassagePreviews } from './views/passagePreview';
import { goToPlace } from './views/places';
import { PreambleView } from './views/preambleView';
import { ReadingReports } from './views/readingReport';
import { ReportView } from './views/report';
import { ModelPicker } from './views/selectModel';
import { selectMetric, selectPalette, selectPreset, selectScale } from './views/selectLook';
import { StatusBarView } from './views/statusBar';
import { StretchesTree, goToStretch } from './views/stretchesTree';
import { StretchFinder } from './views/stretchFinder';
import { StretchPainter } from './views/stretchPainter';
import { goToSurprise } from './views/surpriseCommands';
import { SurprisesTree } from './views/surprisesTree';
import { registerSurprisalTool } from './surprisalTool';
import { TextScorer } from './textScores';
import { askWatchWords } from './views/watchWordsInput';
import { WatchWords } from './watchWords';
import { WindowFocus } from './windowFocus';

export function activate(context: vscode.ExtensionContext): TokenLensApi {
  useEditorLanguage();
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(vscode.window.createOutputChannel('Token Lens', { log: true }));
  const config = store.add(new Config());
  const focus = store.add(new WindowFocus(config));
  const pauses = new Pauses();
  const cacheFolder = context.globalStorageUri.fsPath;
  const files = {
    worker: context.asAbsolutePath('dist/worker.js'),
    bundledModel: context.asAbsolutePath('models/smollm2-135m-instruct'),
    cacheFolder,
    models: path.join(cacheFolder, 'models'),
  };
  const model = store.add(new LensModel(config, focus, files, log));
  const lasting = (memento: vscode.Memento) => new LastingMemory(memento, error => tellNotKept(error, log));
  const workspaceState = lasting(context.workspaceState);
  const watch = store.add(new WatchWords(workspaceState));
  const preambles = store.add(new Preambles(workspaceState));
  const scored = store.add(new ScoredDocuments({ config, model, focus, pauses, watch, preambles, log }, workspaceState));
  const showLog = () => {
    log.show();
  };
  const regionsFiles = { thread: context.asAbsolutePath('dist/regionsThread.js'), wasm: context.asAbsolutePath('dist/onig.wasm') };
  const leftOut = store.add(
    new LeftOut({ scored, config, grammars: new Grammars(() => vscode.extensions.all), pauses, log }, regionsFiles, workspaceState),
  );
  const looks = store.add(new Looks(config, watch, workspaceState));
  const readings = store.add(new Readings(scored, pauses));
  const shown = store.add(new Shown({ scored, looks, leftOut, pauses, readings }));
  const announcer = store.add(new Announcer(config));
  const insertions = store.add(new Insertions(config, pauses));
  const insertion = store.add(new InsertionView({ scored, insertions, config, looks, pauses, announcer, model, preambles }));
  const difference = store.add(new DifferenceView(announcer, pauses));
  const notes = store.add(new ExampleNotes(config, preambles));
  const explain = store.add(new ExplainView(context.extensionUri, { scored, config, model, preambles, notes, pauses }));
  const readingInPlace: InPlaceView = {
    onDidChange: readings.onDidReplace,
    holds: document => readings.of(document) !== undefined,
    leave: document => readings.leave(document),
  };
  store.add(oneInPlace([insertion, difference, explain, readingInPlace]));
  store.add(new DecorationView({ scored, shown, pauses, others: [insertion, difference, explain] }));
  store.add(registerHover({ scored, config, looks, shown, pauses, insertion, differences: [difference, explain] }));
  const reading = store.add(new ReadingCheck(scored, pauses));
  store.add(reading.onDidDecide(({ document, medianBitsPerByte }) => looks.setRelative(document, medianBitsPerByte)));
  const stretches = store.add(new StretchFinder(scored, leftOut, config, pauses, workspaceState));
  store.add(new StatusBarView({ scored, config, looks, shown, reading, stretches, model }));
  store.add(new ContextKeys(scored, config, looks));
  store.add(reportFailures(scored, preambles, showLog, error => models.isTelling(error)));
  const panel = store.add(new PanelView(context.extensionUri, { scored, config, looks, focus, pauses, reading, notes }, workspaceState));
  const report = store.add(new ReportView(context.extensionUri, { scored, config, looks, focus, pauses, reading, leftOut }));
  const lesson = store.add(new LessonView(context.extensionUri, { scored, config, pauses }));
  const previews = store.add(new PassagePreviews({ scored, panel, config, looks, pauses, announcer }));
  const longReading = new LongReading();
  const change = store.add(new ChangeView(context.extensionUri, { scored, config, looks, focus, pauses, reading, preambles, longReading }));
  store.add(new SurprisesTree(scored, leftOut, config, looks, pauses));
  store.add(new StretchPainter(stretches, scored, pauses));
  store.add(new StretchesTree(stretches, scored, config));
  const reports = store.add(new ReadingReports(scored, pauses));
  const ghostText = store.add(new GhostTextView({ scored, config, pauses, insertions }));
  const places = { scored, config, reading: longReading };
  const branches = store.add(new BranchPreviews(places, insertions));
  const access = new HubAccess(config, context.secrets);
  const models = new ModelPicker(
    { config, model, access, log },
    files,
    lasting(context.globalState),
    (context.extension.packageJSON as { readonly version: string }).version,
  );
  const ablation = { scored, leftOut, config, difference, reading: longReading };
  const preamble = store.add(new PreambleView({ scored, preambles, difference, reading: longReading, announcer }));
  const examples = store.add(new WorkedExamples(context.extensionUri, { scored, notes, watch, panel, explain, announcer }));
  store.add(preambles.onDidChange(document => difference.outdated(document)));
  store.add(
    model.onDidReplace(() => {
      longReading.forget();
      difference.outdated();
    }),
  );
  store.add(
    config.onDidChange(event => {
      if (config.affects(event, 'contextTokens', 'overlapTokens', 'startToken')) difference.outdated();
    }),
  );
  const refreshPanel = () => {
    panel.refresh();
  };
  store.add(config.onDidChange(refreshPanel));
  store.add(
    looks.onDidChange(() => {
      panel.redraw();
    }),
  );
  store.add(model.onDidReplace(refreshPanel));
  store.add(preambles.onDidChange(refreshPanel));
  const toggle = (resource: unknown) => {
    toggleLens(scored, resource);
  };
  store.add(
    registerCommands({
      'tokenLens.rescore': resource => {
        rescore(scored, resource);
      },
      'tokenLens.toggle': toggle,
      'tokenLens.turnOn': toggle,
      'tokenLens.turnOff': toggle,
      'tokenLens.showPanel': () => {
        panel.show();
      },
      'tokenLens.showAlternatives': asked => showAlternatives(places, branches.continueWith, asked),
      'tokenLens.showContextNeeds': () => showContextNeeds({ readings, scored }),
      'tokenLens.readWithShortContext': () => readWithShortContext({ readings, scored }),
      'tokenLens.continueFromHere': asked => branches.choose(asked),
      'tokenLens.selectLeftOut': () => selectLeftOut(leftOut),
      'tokenLens.selectPreset': () => selectPreset(looks),
      'tokenLens.selectMetric': () => selectMetric(looks),
      'tokenLens.selectScale': () => selectScale(looks),
      'tokenLens.selectPalette': () => selectPalette(looks),
      'tokenLens.watchWords': () => askWatchWords(watch),
      'tokenLens.showReport': () => {
        report.showReport();
      },
      'tokenLens.measureSelection': () => {
        report.measureSelection();
      },
      'tokenLens.measureChange': () => change.measure(),
      'tokenLens.compare': () => report.compare(),
      'tokenLens.showMenu': () => showMenu(scored),
      'tokenLens.openSample': () => openSample(scored, context.extensionUri),
      'tokenLens.showExample': asked => examples.show(asked),
      'tokenLens.chooseModelFolder': chooseModelFolder,
      'tokenLens.selectModel': () => models.select(),
      'tokenLens.setHubToken': () => access.askToken(),
      'tokenLens.forgetHubToken': () => access.forgetToken(),
      'tokenLens.export': () => exportScores({ scored, looks, pauses }),
      'tokenLens.copyAsMarkdown': () => copyAsMarkdown({ scored, looks, pauses }),
      'tokenLens.showLog': showLog,
      'tokenLens.nextSurprise': async asked => {
        // The next key is meant for the place that is gone to: its hover, another text, Escape.
        if (asked === fromStatusBar) await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
        if (!insertion.go('next')) goToSurprise('next', scored, looks, announcer, leftOut);
      },
      'tokenLens.previousSurprise': () => {
        if (!insertion.go('previous')) goToSurprise('previous', scored, looks, announcer, leftOut);
      },
      'tokenLens.toggleStretches': () => {
        stretches.setOn(!stretches.isOn);
      },
      'tokenLens.nextStretch': () => goToStretch('next', scored, stretches, config, announcer),
      'tokenLens.previousStretch': () => goToStretch('previous', scored, stretches, config, announcer),
      'tokenLens.readHere': () => {
        readHere(scored, announcer);
      },
      'tokenLens.playGuessingGame': () => {
        lesson.play();
      },
      'tokenLens.showTour': () => {
        lesson.showTour();
      },
      'tokenLens.openReport': () => reports.open(),
      'tokenLens.goToReportedPlace': () => reports.goToReportedPlace(),
      'tokenLens.goToPlace': goToPlace,
      'tokenLens.suggest': () => ghostText.suggest(),
      'tokenLens.inspectLastInsertion': () => {
        insertion.inspect();
      },
      'tokenLens.inspectClipboardHere': () => previews.inspectClipboard(),
      'tokenLens.inspectSuggestion': () => previews.inspectSuggestion(ghostText.offered),
      'tokenLens.explainPrediction': () => {
        explain.explain();
      },
      'tokenLens.ablateSelection': asked => ablateSelection(asked, ablation),
      'tokenLens.showEffects': asked => showEffects(asked, ablation),
      'tokenLens.setPreamble': asked => preamble.set(asked),
      'tokenLens.comparePreamble': () => preamble.compare(),
      'tokenLens.removePreamble': () => {
        preamble.remove();
      },
      'tokenLens.cancelSuggestion': () => {
        ghostText.cancel();
      },
      'tokenLens.leaveInspection': () => {
        const document = vscode.window.activeTextEditor?.document; // none: the focus is in a panel, and it is meant for all
        insertion.leave(document);
        previews.leave();
        explain.leave(document);
        difference.leave(document);
        if (document) readings.leave(document);
      },
    }),
  );
  store.add(registerSurprisalTool(scored));
  return createApi({ scored, model, looks, pauses, texts: new TextScorer(config, model), previews }, store);
}
