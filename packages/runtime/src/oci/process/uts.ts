import type { Program } from '@ctr/linux'

/**
 * Stage 1, in the container's UTS namespace: the NIS domain name, at most 64 bytes. The host name beside it is an
 * option of `spawn`.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/setdomainname.2.html}
 */
export function setDomainname(program: Program, name: string): void {
  program.step('set the domain name').call('setdomainname', [name, Buffer.byteLength(name)])
}
