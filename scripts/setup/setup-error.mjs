// @ts-check
/** A set-up that cannot go on. `message` is for people; 1 = a step failed, 2 = something to do first. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {1 | 2} exitCode
   */
  constructor(message, exitCode) {
    super(message);
    this.name = 'SetupError';
    this.exitCode = exitCode;
  }
}
