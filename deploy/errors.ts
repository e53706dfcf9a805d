/** A failure that the user can fix: each line says what is wrong and what to do. */
export class DeployError extends Error {
  constructor(
    readonly lines: readonly string[],
    /** True when nothing was refused, but answers were lost and the calls may have been carried out. */
    readonly isOutcomeUnknown = false,
  ) {
    super(lines.join('\n'));
  }
}
