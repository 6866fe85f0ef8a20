/** Whether something was not taken at once: then the sites are scanned when the inbox is empty and Temporal answers. */
export interface Gap {
  pending: boolean;
}
