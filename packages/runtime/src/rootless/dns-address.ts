/** Address that name servers of the host itself are reached at from a container. */
export const dnsAddress = { pasta: '169.254.1.1', slirp4netns: '10.0.2.3' } as const
