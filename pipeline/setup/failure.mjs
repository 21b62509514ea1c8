/** A missing prerequisite or a failed step of the set-up: one sentence for the user, never a stack. */
export class SetupFailure extends Error {
  /** @param {string} message what was expected, what was found, where, and what to do */
  constructor(message) {
    super(message);
    this.name = 'SetupFailure';
  }
}
