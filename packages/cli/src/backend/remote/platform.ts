import { CliError } from '../../errors.js'
import { speaks } from './api-version.js'
import type { DaemonClient } from './daemon-client.js'

/**
 * `os/architecture[/variant]` as the API has it.
 *
 * @param since - Minor version of the API that has it there first.
 * @throws `CliError` `ERR_CLI_REFUSED`: the daemon is older, and would take all of the image.
 */
export async function platformFor(
  client: DaemonClient,
  text: string | undefined,
  what: string,
  since = 48,
): Promise<object | undefined> {
  if (text === undefined) return undefined
  if (!(await speaks(client, since)))
    throw new CliError(
      'ERR_CLI_REFUSED',
      `cannot ${what} one platform of an image: this daemon is older than version 1.${since} of the API`,
    )
  const [os, architecture, variant] = text.split('/')
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}
