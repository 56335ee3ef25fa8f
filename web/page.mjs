// Where the sources of the streamer's page are.
export const PAGE = new URL('../services/streamer/headway_streamer/console/page/', import.meta.url);
