/** `test` where the truth is read from /proc, which only Linux has; elsewhere the test is skipped. */
export const testOnLinux = process.platform === 'linux' ? test : test.skip;
