import { readFileSync } from 'node:fs';

/** The text of a document, by its path in the repository. */
export function readDocument(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** The fenced blocks of one language, without the indent that a list gives them. */
export function blocksOf(markdown: string, language: string): readonly string[] {
  const blocks = markdown.matchAll(new RegExp(`^( *)\`\`\`${language}\n(.*?)^ *\`\`\`$`, 'gms'));
  return [...blocks].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^ {${indent.length}}`, 'gm'), ''),
  );
}

/** Returns the text under each heading, by GitHub's anchor. */
export function sectionsOf(markdown: string): ReadonlyMap<string, string> {
  const [, ...parts] = markdown.split(/^#+ (?=\w)/m);
  return new Map(
    parts.map((part) => {
      const [heading = '', ...lines] = part.split('\n');
      const anchor = heading.toLowerCase().replaceAll(/[^\w -]/g, '');
      return [anchor.replaceAll(' ', '-'), lines.join('\n')];
    }),
  );
}
