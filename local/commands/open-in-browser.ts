import { spawn } from 'node:child_process';

/**
 * Opens an address in the user's browser: the one in BROWSER, or the system's default.
 * @returns false if there is none
 */
export function openInBrowser(address: string): Promise<boolean> {
  const [command = '', ...args] = opener();
  return new Promise((resolve) => {
    const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      // The browser may outlive this command.
      child.unref();
      resolve(true);
    });
  });
}

function opener(): string[] {
  const { BROWSER } = process.env;
  if (BROWSER) return [BROWSER];
  switch (process.platform) {
    case 'darwin':
      return ['open'];
    case 'win32':
      return ['rundll32', 'url.dll,FileProtocolHandler'];
    default:
      return ['xdg-open'];
  }
}
