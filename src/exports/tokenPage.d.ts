/** What a page that stands alone carries in itself: media/tokenPage.ts as one script, media/tokenPage.css, and their hashes for its policy. Made by esbuild.js. */
declare module 'token-page' {
  export const script: string;
  export const style: string;
  /** As in a Content-Security-Policy: `sha256-...`. */
  export const scriptHash: string;
  export const styleHash: string;
}
