/** The package has no types of its own; this is what the tests use of it. */
declare module 'markdown-it' {
  class MarkdownIt {
    constructor(options: { readonly html: boolean; readonly linkify: boolean });
    render(markdown: string): string;
  }
  export { MarkdownIt as default };
}
