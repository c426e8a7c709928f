/** Name of the network that is always there. */
export const DEFAULT_NETWORK = 'bridge'
