export type { DocumentView, LensState, NextAnswer, RefusalReason } from './scoredDocument';
export type { ScoredDocuments as ScoredDocumentsContract } from './scoredDocuments';
