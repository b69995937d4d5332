import * as vscode from 'vscode';

/** Shows something of a document in place of its usual colours. */
export interface InPlaceView {
  /** `holds` of this document may be another now. */
  readonly onDidChange: vscode.Event<vscode.TextDocument>;
  /** It is shown, or somebody has asked for it and it is being read. */
  holds(document: vscode.TextDocument): boolean;
  /** Takes it away, also while it is being read. */
  leave(document: vscode.TextDocument): void;
}

/** Of these views one at a time has a document: when it comes to hold one, the others leave that. */
export function oneInPlace(views: readonly InPlaceView[]): vscode.Disposable {
  return vscode.Disposable.from(
    ...views.map(view =>
      view.onDidChange(document => {
        if (view.holds(document)) for (const other of views) if (other !== view) other.leave(document);
      }),
    ),
  );
}
