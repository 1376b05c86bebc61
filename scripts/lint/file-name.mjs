// @ts-check
/** Names that say nothing of what a file holds. */
const VAGUE_NAMES = /^(utils?|helpers?|common|misc)$/;
const KEBAB_CASE = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

/** A lint rule: files are named in kebab-case, after what they hold. */
const fileName = {
  /** @param {{ filename: string, report: (problem: { node: object, message: string }) => void }} context */
  create: (context) => ({
    /** @param {object} node */
    Program(node) {
      const [base = ''] = context.filename.split('/').slice(-1);
      const name = base.replace(/\.(test\.)?[^.]+$/, '');
      if (!KEBAB_CASE.test(name)) {
        context.report({ node, message: `«${base}» should be in kebab-case.` });
      }
      if (VAGUE_NAMES.test(name)) {
        context.report({ node, message: `«${base}»: name the file after what it holds.` });
      }
    },
  }),
};

export default { meta: { name: 'vedette' }, rules: { 'file-name': fileName } };
