import * as vscode from 'vscode';
import { createApi } from './api';
import type { TokenLensApi } from './api';
import { ContextKeys, registerCommands, toggleLens } from './commands';
import { Config } from './config';
import { DisposableStore } from './disposable';
import { LensModel } from './lensModel';
import { ScoredDocuments } from './scoredDocuments';
import { showAlternatives } from './views/alternatives';
import { DecorationView } from './views/decorations';
import { reportFailures } from './views/failures';
import { registerHover } from './views/hover';
import { showMenu } from './views/menu';
import { PanelView } from './views/panel';
import { StatusBarView } from './views/statusBar';

export function activate(context: vscode.ExtensionContext): TokenLensApi {
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(vscode.window.createOutputChannel('Token Lens', { log: true }));
  const config = store.add(new Config());
  const model = store.add(
    new LensModel(config, context.asAbsolutePath('dist/worker.js'), context.asAbsolutePath('models/smollm2-135m-instruct'), log),
  );
  const scored = store.add(new ScoredDocuments(config, model, context.workspaceState, log));
  const showLog = () => {
    log.show();
  };
  store.add(new DecorationView(scored, config));
  store.add(registerHover(scored, config));
  store.add(new StatusBarView(scored, config));
  store.add(new ContextKeys(scored, config));
  store.add(reportFailures(scored, showLog));
  const panel = store.add(new PanelView(context.extensionUri, scored, config));
  const refreshPanel = () => {
    panel.refresh();
  };
  store.add(config.onDidChange(refreshPanel));
  store.add(model.onDidReplace(refreshPanel));
  const toggle = (resource: unknown) => {
    toggleLens(scored, resource);
  };
  store.add(
    registerCommands({
      'tokenLens.toggle': toggle,
      'tokenLens.turnOn': toggle,
      'tokenLens.turnOff': toggle,
      'tokenLens.showPanel': () => {
        panel.show();
      },
      'tokenLens.showAlternatives': () => showAlternatives(scored, config),
      'tokenLens.showMenu': () => showMenu(scored),
      'tokenLens.showLog': showLog,
    }),
  );
  return createApi(scored, config, store);
}
