/** A failure that its reader can do something about: each line says what is wrong and what to do. */
export class DeployError extends Error {
  constructor(
    readonly lines: readonly string[],
    /** Nothing was refused; answers were lost, and the calls may have had their effect. */
    readonly isOutcomeUnknown = false,
  ) {
    super(lines.join('\n'));
  }
}
