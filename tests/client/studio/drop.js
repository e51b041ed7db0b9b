// Lets go of a file above the page, as a mouse does.
([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  const options = { dataTransfer, bubbles: true, cancelable: true };
  for (const kind of ["dragover", "drop"]) {
    document.getElementById("favourites-title").dispatchEvent(new DragEvent(kind, options));
  }
};
