// Plotly reports a hover a moment late, also on a figure that was taken away in between.

function purge(Plotly, div) {
  Plotly.purge(div);
  div.emit = () => {};
}
