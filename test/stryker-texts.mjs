/** Number of words from which a literal counts as a text. Codes, names and states have fewer. */
const WORDS_OF_A_TEXT = 4;

/** Ignorer of Stryker, which keeps texts for people as they are: no test may depend on their wording. */
const texts = {
  shouldIgnore({ node }) {
    const parts = node.type === 'TemplateLiteral' ? node.quasis.map(({ value }) => value.cooked) : [node.value];
    const isLiteral = node.type === 'TemplateLiteral' || node.type === 'StringLiteral';
    const isText = isLiteral && parts.join('…').trim().split(/\s+/).length >= WORDS_OF_A_TEXT;
    return isText ? 'It is a text for people.' : undefined;
  },
};

export const strykerPlugins = [{ kind: 'Ignore', name: 'texts', value: texts }];
